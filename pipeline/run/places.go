package run

import (
	"context"
	"maps"

	"dsql/engine/duck"
	"dsql/pipeline/program"
)

// Places are how far each reader is in what it reads: of stored tables in dsql.places, of files and topics in dsql.files and
// dsql.offsets, which sources write in each batch's transaction. What is read and written otherwise of them stands here. Names in the
// tables are those that declarations have (node.name); in memory a declaration is itself the key.

// loadPlaces reads how far all that is declared has come.
func (r *runner) loadPlaces(ctx context.Context) (err error) {
	if r.version, err = r.Conn.Int(ctx, duck.SQL("SELECT max(version) FROM dsql.versions")); err != nil {
		return err
	}
	type row struct {
		reader, input string // of births and latest: kind and name
		version       int64
	}
	places, err := duck.Select(ctx, r.Conn, duck.SQL("SELECT destination, input, version FROM dsql.places"),
		func(scan func(...any) error) (p row, err error) {
			return p, scan(&p.reader, &p.input, &p.version)
		})
	if err != nil {
		return err
	}
	for _, p := range places {
		if e := (edge{r.Program.Known(p.reader), r.Program.Known(p.input)}); e.reader != nil && e.input != nil {
			r.places[e] = p.version
		}
	}
	births, err := duck.Select(ctx, r.Conn,
		duck.SQL("SELECT kind, name, born FROM dsql.declarations WHERE born > 0"),
		func(scan func(...any) error) (p row, err error) { return p, scan(&p.reader, &p.input, &p.version) })
	if err != nil {
		return err
	}
	for _, b := range births {
		if n := r.Program.Find(b.reader, b.input); n != nil && n.Stored != nil {
			n.Stored.Born = b.version
		}
	}
	latest, err := duck.Select(ctx, r.Conn,
		duck.SQL("SELECT kind, name, max(version) FROM dsql.version_rows WHERE kind <> 'source' GROUP BY ALL"),
		func(scan func(...any) error) (p row, err error) { return p, scan(&p.reader, &p.input, &p.version) })
	for _, l := range latest {
		if n := r.Program.Find(l.reader, l.input); n != nil && n.Stored != nil && l.version > n.Born() {
			r.latest[n] = l.version
		}
	}
	return err
}

// moved notes how far a reader has come.
func moved(ctx context.Context, tx *transaction, e edge, v int64) error {
	_, had := tx.places[e]
	tx.places[e] = v
	a := duck.Args{"d": e.reader.Name, "i": e.input.Name, "v": v}
	if had {
		return tx.Run(ctx, duck.SQL("UPDATE dsql.places SET version = {v} WHERE destination = {d} AND input = {i}", a))
	}
	return tx.Run(ctx, duck.SQL("INSERT INTO dsql.places VALUES ({d}, {i}, {v})", a))
}

// unread forgets how far a destination or sink has come: it starts with all that its inputs still have.
func unread(ctx context.Context, tx *transaction, n *program.Node) error {
	delete(tx.written, n)
	maps.DeleteFunc(tx.places, func(e edge, _ int64) bool { return e.reader == n })
	a := duck.Args{"d": n.Name}
	return tx.Run(ctx, duck.SQL("DELETE FROM dsql.files WHERE destination = {d}", a),
		duck.SQL("DELETE FROM dsql.offsets WHERE destination = {d}", a), duck.SQL("DELETE FROM dsql.places WHERE destination = {d}", a))
}

// forget takes a declaration that is dropped out of all places.
func forget(ctx context.Context, tx *transaction, n *program.Node) error {
	delete(tx.latest, n)
	delete(tx.written, n)
	delete(tx.guarded, n)
	delete(tx.reshaped, n)
	delete(tx.unsettled, n)
	maps.DeleteFunc(tx.places, func(e edge, _ int64) bool { return e.reader == n })
	a := duck.Args{"name": n.Name}
	if !n.Exclusive() {
		return nil
	}
	return tx.Run(ctx, duck.SQL("DELETE FROM dsql.places WHERE {name} IN (destination, input)", a),
		duck.SQL("DELETE FROM dsql.stopped_sinks WHERE sink = {name}", a),
		duck.SQL("DELETE FROM dsql.files WHERE {name} IN (destination, source)", a),
		duck.SQL("DELETE FROM dsql.offsets WHERE {name} IN (destination, source)", a),
		duck.SQL("DELETE FROM dsql.dialects WHERE source = {name}", a))
}
