package run

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/plural"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/rules"
	"dsql/sql"
	"dsql/sql/code"
)

// A key that was erased from a journal stays erased: dsql.erased has it as a hash, salted by a value of its own, and rows of it are left out
// behind the rules, however they come, until ADMIT KEY takes it off that list. They are counted as dropped. What the rules reject of such a
// key isn't kept either.

// loadErased finds out which destinations have such keys: all others pay nothing.
func (r *runner) loadErased(ctx context.Context) error {
	r.erased = map[*program.Node]bool{}
	names, err := duck.Select(ctx, r.Conn, duck.SQL("SELECT DISTINCT destination FROM dsql.erased"),
		func(row func(...any) error) (name string, err error) { return name, row(&name) })
	for _, name := range names {
		r.erased[r.Program.Known(name)] = true
	}
	return err
}

// hashOf is the hash of a key under a salt: of its values as texts.
func hashOf(salt *duck.Query, values []*duck.Query) *duck.Query {
	return duck.SQL("sha256({salt} || to_json([{texts}])::VARCHAR)", duck.Args{"salt": salt,
		"texts": duck.Each(", ", values, func(v *duck.Query) *duck.Query { return duck.SQL("CAST({v} AS VARCHAR)", duck.Args{"v": v}) })})
}

// saltOf is the salt of a destination's hashes.
func saltOf(n *program.Node) *duck.Query {
	return duck.SQL("(SELECT any_value(salt) FROM dsql.erased WHERE destination = {d})", duck.Args{"d": n.Name})
}

// isErased is a condition: a key was erased. NULL keys never are.
func isErased(n *program.Node, values []*duck.Query) *duck.Query {
	return duck.SQL("coalesce({hash} IN (SELECT key_hash FROM dsql.erased WHERE destination = {d}), false)",
		duck.Args{"hash": hashOf(saltOf(n), values), "d": n.Name})
}

// keyTypes are the types of a journal's keys, as they are stored.
func keyTypes(ctx context.Context, c *duck.Conn, n *program.Node) ([]duck.Column, error) {
	k, _ := n.Obj.(kind.Keyed)
	cols, err := c.Table(ctx, n.Name)
	if err != nil {
		return nil, err
	}
	var out []duck.Column
	for _, name := range k.KeyNames() {
		for _, col := range cols {
			if sql.Same(col.Name, name) {
				out = append(out, col)
			}
		}
	}
	return out, nil
}

// leaveErased leaves rows of erased keys out, and says how many.
func (r *runner) leaveErased(ctx context.Context, tx *transaction, n *program.Node, ruled *rules.Outcome) (int64, error) {
	if !r.erased[n] {
		return 0, nil
	}
	keys, err := keyTypes(ctx, tx.Conn, n)
	if err != nil {
		return 0, err
	}
	a := duck.Args{"rows": ruled.Rows, "is": isErased(n, each(keys, func(k duck.Column) *duck.Query {
		return duck.SQL("CAST({k} AS {t})", duck.Args{"k": duck.Ident(k.Name), "t": k.Type})
	}))}
	left, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {rows} WHERE {is}", a))
	if err != nil || left == 0 {
		return 0, err
	}
	ruled.Rows = duck.SQL("(SELECT * FROM {rows} WHERE NOT {is})", a)
	if !r.leftOut[n] { // once a run
		r.leftOut[n] = true
		tx.tell(n.Obj.Decl().Errorf(code.ErasedKey, "%s of keys that were erased from %s were left out", plural.Of(left, "row"), n.Name).
			WithHint("its source still has them; ADMIT KEY (…) TO JOURNAL " + n.Name + " takes such a key in again"))
	}
	return left, nil
}

// forgetErased takes what a version rejected of erased keys out of dsql.rejects: it is dropped.
func (r *runner) forgetErased(ctx context.Context, tx *transaction, n *program.Node, out *event.DestinationRows, v int64) error {
	if !r.erased[n] || out.Rejected == 0 {
		return nil
	}
	keys, err := keyTypes(ctx, tx.Conn, n)
	if err != nil {
		return err
	}
	forgotten, err := tx.Exec(ctx, duck.SQL("DELETE FROM dsql.rejects WHERE destination = {d} AND version = {v} AND {is}",
		duck.Args{"d": n.Name, "v": v, "is": isErased(n, each(keys, inData))}))
	out.Rejected, out.Dropped = out.Rejected-forgotten, out.Dropped+forgotten
	return err
}

// inData is a column as dsql.rejects.data has it, NULL where it doesn't.
func inData(c duck.Column) *duck.Query {
	return duck.SQL("TRY_CAST(json_extract_string(data, {path}) AS {t})", duck.Args{"path": pointer(c.Name), "t": c.Type})
}

func each[T any](list []T, f func(T) *duck.Query) (out []*duck.Query) {
	for _, x := range list {
		out = append(out, f(x))
	}
	return out
}

// keyOf is what ERASE KEY and ADMIT KEY name: the journal, its keys, and the key's values as literals of their types.
func (r *runner) keyOf(ctx context.Context, d *sql.Decl) (*program.Node, []duck.Column, []*duck.Query, error) {
	n, err := eraser(r.Program, d)
	if err != nil {
		return nil, nil, nil, err
	}
	keys, values, err := keyValues(ctx, r.Conn, d, n)
	return n, keys, values, err
}

// keyValues are the keys of a journal, and the values that a verb gives for them: one row, none of them NULL.
func keyValues(ctx context.Context, c *duck.Conn, d *sql.Decl, n *program.Node) (keys []duck.Column, values []*duck.Query, err error) {
	if keys, err = keyTypes(ctx, c, n); err != nil {
		return nil, nil, err
	}
	at := d.Arg("#0")
	q := duck.SQL("SELECT {values}", duck.Args{"values": duck.User(d.Src, at.Exprs[0])})
	given, err := c.Describe(ctx, q, d.At(at.Exprs[0]))
	if err != nil {
		return nil, nil, err
	}
	wrong := func(format string, args ...any) error {
		return d.At(at.Span).Errorf(code.WrongKey, format, args...).
			WithHint(fmt.Sprintf("the keys of %s are (%s): give a value for each, in this order", n.Name, strings.Join(duck.ColumnNames(keys), ", ")))
	}
	if len(given) != len(keys) {
		return nil, nil, wrong("%s has %s, and %d are given", n.Name, plural.Of(int64(len(keys)), "key column"), len(given))
	}
	named := make([]string, len(keys))
	for i := range keys {
		named[i] = fmt.Sprintf("k%d", i)
	}
	a := duck.Args{"q": q, "names": duck.Names(named)}
	for i, k := range keys {
		var text *string // what the user wrote may give something else once the key is gone
		_, err := c.Scan(ctx, duck.SQL("SELECT CAST(CAST({k} AS {t}) AS VARCHAR) FROM ({q}) _k({names})", a,
			duck.Args{"k": duck.Ident(named[i]), "t": k.Type}), &text)
		switch {
		case err != nil && duck.IsConversion(err):
			return nil, nil, wrong("the value for %s is no %s", k.Name, k.Type)
		case err != nil:
			return nil, nil, err
		case text == nil:
			return nil, nil, wrong("no key of %s is NULL", n.Name)
		}
		values = append(values, duck.SQL("CAST({v} AS {t})", duck.Args{"v": *text, "t": k.Type}))
	}
	return keys, values, nil
}

// eraser is the journal that ERASE KEY and ADMIT KEY name.
func eraser(p *program.Program, d *sql.Decl) (*program.Node, error) {
	v := d.Arg("FROM JOURNAL")
	if v == nil {
		v = d.Arg("TO JOURNAL")
	}
	name := v.Names[0]
	if n := p.Relation(name.Text); n != nil {
		if _, ok := n.Obj.(kind.Eraser); ok {
			return n, nil
		}
	}
	return nil, p.NotDeclared("journal", name, d)
}
