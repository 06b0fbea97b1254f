package serve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"dsql/endpoint"
	"dsql/engine/duck"
)

// Look-ups by key. DuckDB finds a row by its rowid in a millisecond and by anything else in as long as it takes to read the column: so
// where an endpoint looks rows up by key they are found here, and the query is asked with the destination as these rows alone. Which rows
// are there DuckDB says: what isn't known for the very state that is read goes through the table.

// indexes are those of a file, made when they are first asked for.
type indexes struct {
	db     *duck.DB
	looker *looker
	warn   func(error)
	ctx    context.Context // of those that are being made
	cancel context.CancelFunc
	making sync.WaitGroup
	mu     sync.Mutex
	by     map[string]*index
}

func newIndexes(db *duck.DB, l *looker, warn func(error)) *indexes {
	x := &indexes{db: db, looker: l, warn: warn, by: map[string]*index{}}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	return x
}

// close waits for what is being made.
func (x *indexes) close() {
	x.cancel()
	x.making.Wait()
}

// index finds the rows of a table by some of its columns.
type index struct {
	of     *indexes
	table  string
	where  *duck.Query // rows that count; nil: all
	key    []duck.Column
	unique bool
	keys   *duck.Keys

	mu    sync.RWMutex
	conn  *duck.Conn // of what is done with the lock; nil: none yet
	map_  *rowMap
	at    indexed
	made  chan struct{} // closed when the one that is being made is there; nil: none is
	scan  chan struct{} // has something while a request reads the table meanwhile
	tried time.Time     // when making it failed
	told  bool
}

// indexed is a state of the file whose rows an index knows, among others.
type indexed struct {
	epoch, moves uint64 // epoch 1: of none
	laid         string
	oid, rows    int64 // the table, and how many rowids it has given out
	full         int
}

// index is that of a look-up.
func (x *indexes) index(l *endpoint.Lookup) *index {
	table, where := l.Of.Located()
	id := fmt.Sprintf("%q %v %q", strings.ToLower(table), l.Unique, l.Key)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.by[id] == nil {
		x.by[id] = &index{of: x, table: table, where: where, key: l.Key, unique: l.Unique, keys: duck.NewKeys(),
			at: indexed{epoch: 1}, scan: make(chan struct{}, 1)}
	}
	return x.by[id]
}

// Why the rows of a key aren't known.
var (
	errWhole  = errors.New("the table is read whole")
	errPassed = errors.New("the state is over") // those of the newest are, or will be soon
)

// rows are the rowids of a key in the state of a view, or of more than those.
func (ix *index) rows(ctx context.Context, v *view, k duck.Key) (_ []int64, moves uint64, err error) {
	ix.mu.RLock()
	if ix.at.epoch != v.epoch {
		ix.mu.RUnlock()
		if err := ix.follow(ctx, v); err != nil {
			return nil, 0, err
		}
		ix.mu.RLock()
	}
	defer ix.mu.RUnlock()
	if ix.at.epoch != v.epoch {
		return nil, 0, errPassed
	}
	rows, ok := ix.map_.get(k)
	if !ok {
		return nil, 0, errWhole
	}
	return rows, ix.at.moves, nil
}

// follow adds the rows that are new in the state of a view. Where rows have moved, or the table is another one, it begins anew.
func (ix *index) follow(ctx context.Context, v *view) error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	switch {
	case ix.at.epoch == v.epoch:
		return nil
	case ix.made != nil:
		return errWhole
	case v.epoch%2 == 1:
		return errPassed
	case ix.map_ == nil || ix.at.laid != v.laid || ix.at.moves != ix.of.db.Moves():
		ix.begin()
		return errWhole
	}
	next, last, counted := ix.at, ix.at.rows-1, true
	put := func(k duck.Key, row int64) {
		ix.map_.put(k, row)
		last = max(last, row)
	}
	err := ix.conn.ReadOnly(ctx, func() (err error) {
		if next.oid, next.rows, err = ix.size(ctx, ix.conn); err != nil {
			return err
		}
		if ix.of.db.Epoch() != v.epoch { // a commit has begun: its rows are counted, and may be seen or not
			now := &view{changes: v.changes}
			if err := now.state(ctx, ix.conn); err != nil {
				return err
			}
			if !ix.of.looker.still(v, now, ix.at.moves) {
				return errPassed
			}
			counted = false
		}
		if next.oid != ix.at.oid || next.rows <= ix.at.rows {
			return nil
		}
		return ix.keys.Each(ctx, ix.conn, ix.query(duck.SQL("rowid >= {n}", duck.Args{"n": ix.at.rows})), put)
	})
	if errors.Is(err, errPassed) {
		return err
	}
	if err != nil || next.oid != ix.at.oid || next.rows < ix.at.rows || ix.map_.full > 2*next.full+16 {
		ix.begin()
		return errWhole
	}
	if !counted {
		next.rows = last + 1
	}
	ix.at = next
	ix.at.epoch = v.epoch
	return nil
}

// size is the table's, and what tells it from another one of its name.
func (ix *index) size(ctx context.Context, c *duck.Conn) (oid, rows int64, err error) {
	_, err = c.Scan(ctx, duck.SQL(`SELECT table_oid, estimated_size FROM duckdb_tables()
		WHERE database_name = current_database() AND schema_name = 'main' AND table_name = {t}`, duck.Args{"t": ix.table}), &oid, &rows)
	return oid, rows, err
}

// query is the keys and rowids of the rows that count and meet a condition.
func (ix *index) query(and *duck.Query) *duck.Query {
	if ix.where != nil {
		and = duck.SQL("{and} AND {where}", duck.Args{"and": and, "where": ix.where})
	}
	return duck.SQL("SELECT {key}, rowid FROM {t} WHERE {and}",
		duck.Args{"key": duck.Names(duck.ColumnNames(ix.key)), "t": duck.Ident(ix.table), "and": and})
}

// making is closed when the index that is being made is there; nil: none is.
func (ix *index) making() chan struct{} {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return ix.made
}

// begin makes the index anew. It isn't put behind others: until it is there they take a hundred times as long. The lock is held.
func (ix *index) begin() {
	if time.Since(ix.tried) < time.Minute {
		return
	}
	ix.made, ix.map_, ix.at = make(chan struct{}), nil, indexed{epoch: 1}
	ix.of.making.Go(func() {
		m, at, err := ix.make()
		ix.mu.Lock()
		defer ix.mu.Unlock()
		close(ix.made)
		if ix.made = nil; err == nil {
			ix.map_, ix.at = m, at
			return
		}
		if ix.tried = time.Now(); ix.of.ctx.Err() == nil && !ix.told {
			ix.told = true
			ix.of.warn(fmt.Errorf("look-ups in %s go through the table: %w", ix.table, err))
		}
	})
}

// Why an index isn't made.
var (
	errBusy     = errors.New("no index was made: the file changes all the time") // no state lasted long enough to begin with
	errTooLarge = fmt.Errorf("no index was made: the table has more than %d rows", mostKeys)
)

// make reads the whole table in one state.
func (ix *index) make() (m *rowMap, at indexed, err error) {
	ctx := ix.of.ctx
	if ix.conn == nil { // nobody else uses it while it is made
		if ix.conn, err = ix.of.db.Reader(ctx); err != nil {
			return nil, at, err
		}
	}
	for range 1000 {
		v, err := ix.of.looker.view(ctx)
		if err != nil {
			return nil, at, err
		}
		at = indexed{epoch: v.epoch, moves: ix.of.db.Moves(), laid: v.laid}
		m = newRowMap(ix.unique)
		err = ix.conn.ReadOnly(ctx, func() (err error) {
			if at.oid, at.rows, err = ix.size(ctx, ix.conn); err != nil {
				return err
			}
			if v.epoch%2 == 1 || ix.of.db.Epoch() != v.epoch {
				return errBusy
			}
			if at.rows > mostKeys {
				return errTooLarge
			}
			return ix.keys.Copy().Each(ctx, ix.conn, ix.query(duck.SQL("true")), m.put)
		})
		if at.full = m.full; !errors.Is(err, errBusy) {
			return m, at, err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return nil, at, ctx.Err()
		}
	}
	return nil, at, errBusy
}
