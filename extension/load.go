package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"dsql/models/stored"
)

// loader is what dsql_load calls: it registers the models of a file, which may be attached or not, in the database that calls it.
type loader struct {
	again *reopen // nil: this DuckDB can't be asked anything after LOAD
	mu    sync.Mutex
	from  map[string]registered
}

// registerLoad makes dsql_load callable, in a SELECT and by CALL. Each call does something, so none is left out or made ahead.
func registerLoad(con connection, l *loader) error {
	err := con.register("dsql_load", function{[]string{"VARCHAR"}, "BIGINT", func(c stored.Call) error {
		path, valid := c.Texts(0)
		out := c.OutInts()
		for i := range out {
			if valid != nil && valid[i/64]>>(i%64)&1 == 0 {
				return errors.New("dsql_load wants the path of a file of dsql's")
			}
			n, err := l.load(path(i))
			if err != nil {
				return err
			}
			out[i] = int64(n)
		}
		return nil
	}, true})
	if err != nil {
		return err
	}
	return con.registerTable("dsql_load", l.load)
}

// load registers the models of a file and says how many versions of them there are. What was registered before stays, so a file may be loaded
// again when it has more.
func (l *loader) load(path string) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.again == nil {
		return 0, errors.New("this version of DuckDB gives no connection after LOAD: ATTACH the file, and LOAD in a new connection")
	}
	con, err := l.again.connect()
	if err != nil {
		return 0, err
	}
	defer con.close()
	db, err := con.attached(path)
	if err != nil {
		return 0, err
	}
	if db == "" {
		db = "dsql_load of " + path
		if err := con.run("ATTACH " + literal(path) + " AS " + quoted(db) + " (READ_ONLY)"); err != nil {
			return 0, err
		}
	}
	n, err := l.models(con, db, path)
	if strings.HasPrefix(db, "dsql_load of ") {
		err = errors.Join(err, con.run("DETACH "+quoted(db)))
	}
	return n, err
}

func (l *loader) models(con connection, db, path string) (int, error) {
	n := 0
	all, err := con.withModels()
	for _, has := range all {
		if has == db && err == nil {
			n, err = (&loading{con, l.from}).database(db)
		}
	}
	switch {
	case err != nil:
		return 0, fmt.Errorf("the models of %s: %w", path, err)
	case n == 0:
		return 0, fmt.Errorf("there are no models in %s: CREATE MODEL declares one in a script of dsql's", path)
	}
	return n, nil
}

// withModels are the databases that are open and of dsql's.
func (c connection) withModels() (names []string, err error) {
	err = c.query("SELECT database_name FROM duckdb_tables() WHERE schema_name = 'dsql' AND table_name = 'models' ORDER BY database_oid",
		func(r row) error {
			names = append(names, r.text(0))
			return nil
		})
	return names, err
}

// attached is what a file is attached as, by its path or by that name; "": it isn't.
func (c connection) attached(path string) (name string, err error) {
	info, _ := os.Stat(path) // what is no file here DuckDB may know, by a prefix or a name
	err = c.query("SELECT database_name, path FROM duckdb_databases() WHERE path IS NOT NULL AND NOT internal", func(r row) error {
		is, _ := os.Stat(r.text(1))
		if r.text(1) == path || info != nil && is != nil && os.SameFile(info, is) || info == nil && strings.EqualFold(r.text(0), path) {
			name = r.text(0)
		}
		return nil
	})
	return name, err
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func (c connection) run(sql string) error { return c.query(sql, func(row) error { return nil }) }
