// Package duck is DuckDB as dsql uses it: a file opened, its one writer and its readers, the builder of generated SQL with its source map,
// DuckDB's errors as places in the user's text, batches that it scans in place, functions on raw vectors. It knows of no declarations.
package duck

import (
	"context"
	dbsql "database/sql"
	"database/sql/driver"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	bindings "github.com/duckdb/duckdb-go-bindings"
	duckdb "github.com/duckdb/duckdb-go/v2"

	"dsql/internal/lazy"
	"dsql/sql"
	"dsql/sql/code"
)

/*
#cgo linux LDFLAGS: -Wl,--no-export-dynamic
#include "exec.h"
*/
import "C"

// DuckDB's names aren't shown to the loader: extensions bring their own, as they must for Python's module. Else each start looks up 1,400
// of them, and they are 7 MB of the program.

// Options say how a file is opened.
type Options struct {
	ReadOnly   bool
	SearchPath string       // folder that relative paths in SQL start at; "" is the working folder
	Threads    int          // 0: DuckDB's default
	Trace      func(Traced) // is told of each statement that ran, from any goroutine
}

// DB is an open DuckDB file (or memory, where Path is "").
type DB struct {
	Path   string
	name   string // what DuckDB calls the file
	pool   *dbsql.DB
	writer *Conn
	mu     sync.Mutex
	conns  []*Conn
	own    Routines        // what Register made
	prints map[string]Type // types by signature (describe.go)
	state  state
	arrow  sync.Mutex // arrow_lossless_conversion is changed, or read
	closes []func()   // what OnClose was given
	trace  func(Traced)

	witness *Witness // of conditions; nil: nobody asks
}

// Conn is one connection. It is not safe for use by several goroutines at once.
type Conn struct {
	DB  *DB
	sql *dbsql.Conn
	raw C.duckdb_connection

	printer *Conn // prints the values of results: see print.go

	kept map[string]*Statement // by their texts: prepared once

	shapes *shapes // while Unoptimized runs (shapes.go)

	ctx atomic.Pointer[context.Context] // of the last statement: what functions that wait for others wait by
}

// settings hold for every connection. Why each is there: errors as JSON carry positions; extensions can't be had offline and a
// silent download would be a surprise; the large checkpoint threshold keeps small batches from checkpointing over and over (a
// checkpoint runs when the file is closed, and at quiet moments); UTC makes every now() and cast mean the same everywhere.
var settings = []string{
	"SET errors_as_json = true",
	"SET TimeZone = '" + utc + "'",
}

const utc = "UTC"

var globalSettings = []string{
	"SET autoinstall_known_extensions = false",
	"SET autoload_known_extensions = false",
	"SET checkpoint_threshold = '1GB'",
}

// storageVersion is the oldest DuckDB that reads a file made here; one that is there keeps its own. Since this version zstd is there, for
// what was rejected. From 1.3 on strings are packed another way: as fast as stream/pack.go makes it, and a tenth larger.
const storageVersion = "v1.2.0"

// Open opens the file, or memory when path is "". The writer's connection is there at once.
func Open(ctx context.Context, path string, o Options) (db *DB, err error) {
	dsn := path
	if path != "" {
		if name, _, _ := strings.Cut(filepath.Base(path), "."); strings.EqualFold(name, Schema) {
			return nil, sql.Errorf(code.BadFileName, "%s: DuckDB calls a database by its file's name, and %s is the schema of dsql's own tables",
				path, Schema).
				WithHint("give the file another name: --db FILE")
		}
		if strings.ContainsAny(path, "?%#") {
			return nil, sql.Errorf(code.BadFileName, "%s: the name of the file has one of the characters ? %% #", path).
				WithHint("give the file another name: --db FILE")
		}
		if dsn, err = filepath.Abs(path); err != nil { // a name with a colon is no URL
			return nil, err
		}
		if o.ReadOnly {
			dsn += "?access_mode=READ_ONLY"
		} else {
			dsn += "?storage_compatibility_version=" + storageVersion
		}
	}
	first := true
	connector, err := duckdb.NewConnector(dsn, func(e driver.ExecerContext) error {
		list := settings
		if first {
			list = append(append([]string{}, globalSettings...), settings...)
			if o.Threads > 0 {
				list = append(list, "SET threads = "+strconv.Itoa(o.Threads))
			}
			first = false
		}
		if o.SearchPath != "" {
			list = append(list[:len(list):len(list)], SQL("SET file_search_path = {p}", Args{"p": o.SearchPath}).String())
		}
		for _, s := range list {
			if _, err := e.ExecContext(ctx, s, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, openError(path, o, err)
	}
	db = &DB{Path: path, pool: dbsql.OpenDB(connector), own: Routines{}, trace: o.Trace}
	if db.writer, err = db.Reader(ctx); err != nil {
		return nil, openError(path, o, errors.Join(err, db.pool.Close()))
	}
	_, err = db.writer.Scan(ctx, SQL("SELECT current_database()"), &db.name)
	if err := errors.Join(err, db.writer.registerBatch()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Name is what DuckDB calls the file.
func (db *DB) Name() string { return db.name }

// Writer is the connection that owns all writes.
func (db *DB) Writer() *Conn { return db.writer }

// Reader opens a connection of its own, closed by Close or with the DB.
func (db *DB) Reader(ctx context.Context) (*Conn, error) {
	sc, err := db.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &Conn{DB: db, sql: sc}
	if err := sc.Raw(func(d any) (err error) { c.raw, err = rawConnection(d); return err }); err != nil {
		return nil, errors.Join(err, sc.Close())
	}
	if c.Setting("TimeZone") != utc { // one that was given back has what was set on it
		if err := c.Run(ctx, SQL("SET TimeZone = {utc}", Args{"utc": utc})); err != nil {
			return nil, errors.Join(err, sc.Close())
		}
	}
	db.mu.Lock()
	db.conns = append(db.conns, c)
	db.mu.Unlock()
	return c, nil
}

// OnClose has f called when the database is closed, before anything of it is.
func (db *DB) OnClose(f func()) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.closes = append(db.closes, f)
}

// Close closes all connections first: DuckDB would wait for ever for one that is open.
func (db *DB) Close() error {
	db.mu.Lock()
	conns, closes := db.conns, db.closes
	db.conns, db.closes = nil, nil
	db.mu.Unlock()
	for _, f := range closes {
		f()
	}
	var errs []error
	for _, c := range conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(append(errs, db.pool.Close())...)
}

// Close gives the connection back; closing twice is fine.
func (c *Conn) Close() error {
	c.DB.mu.Lock()
	c.DB.conns = slices.DeleteFunc(c.DB.conns, func(o *Conn) bool { return o == c })
	c.DB.mu.Unlock()
	for _, st := range c.kept {
		st.Close()
	}
	c.kept = nil
	if c.printer != nil {
		if err := c.printer.Close(); err != nil {
			return err
		}
	}
	if err := c.sql.Close(); err != nil && !errors.Is(err, dbsql.ErrConnDone) {
		return err
	}
	return nil
}

var lockHolder = lazy.Regexp(`held in (.*?) \(PID (\d+)\)`)

// openError says why a file can't be opened, and what to do.
func openError(path string, o Options, err error) error {
	text := plainMessage(err)
	abs, _ := filepath.Abs(path)
	info, statErr := os.Stat(path)
	refuse := func(c code.Code, hint, format string, args ...any) error {
		return sql.Errorf(c, format, args...).WithHint(hint).WithCause(err)
	}
	const rights = "check the rights of the file and of its folder, or choose another --db"
	const kept = "give --db another name; dsql never overwrites a file that it can't read"
	switch m := lockHolder().FindStringSubmatch(text); {
	case m != nil:
		return refuse(code.FileLocked,
			"wait for that process or end it, or read the copy that `dsql run --snapshot FILE` keeps: DuckDB lets one "+
				"process at a time write a file, and none read while it is written", "%s is in use: process %s (%s) has it open", path, m[2], m[1])
	case statErr == nil && info.IsDir():
		return refuse(code.NotADatabase, "give --db the name of a file", "%s is a folder", path)
	case errors.Is(statErr, fs.ErrNotExist) && !exists(filepath.Dir(abs)):
		return refuse(code.NoFolder, "make it first, or choose another --db", "there is no folder %s", filepath.Dir(path))
	case errors.Is(statErr, fs.ErrNotExist) && o.ReadOnly:
		return refuse(code.NoFile, "`dsql run` makes it; --db names another one", "there is no file %s", path)
	case o.ReadOnly && (errors.Is(statErr, fs.ErrPermission) || notWritable(text)):
		return refuse(code.NoRights, rights, "%s can't be opened: no right to read it", path)
	case errors.Is(statErr, fs.ErrNotExist), errors.Is(statErr, fs.ErrPermission), notWritable(text):
		return refuse(code.NoRights, rights, "%s can't be opened: no right to write there", path)
	case strings.Contains(text, "not a valid DuckDB database file"):
		return refuse(code.NotADatabase, kept, "%s is no DuckDB file", path)
	}
	if _, rest, ok := strings.Cut(text, "Error: "); ok { // the driver's words before DuckDB's
		text = rest
	}
	return refuse(code.NotADatabase, kept, "%s can't be opened as a DuckDB file: %s", path, text)
}

var permission = lazy.Regexp(`(?i)permission denied|read-only file system`)

func notWritable(text string) bool { return permission().MatchString(text) }

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// Version is DuckDB's.
func Version() string { return bindings.LibraryVersion() }

// Schema is that of dsql's own tables in a file.
const Schema = "dsql"
