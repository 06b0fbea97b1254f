package run

import (
	"context"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/ingest/lossless"
	"dsql/sql"
	"dsql/sql/code"
)

// Rows that were rejected behind a destination's query are read back from dsql.rejects: what a SET changed from original, as the chain
// runs from its beginning, else from data; and what JSON doesn't hold from exact (engine/catalog/exact.go), which rows of older dsqls don't
// have. Columns that are new since are NULL, those that are gone are left out.

const replayTable = "_dsql_replay"

// keptAs is a form in which some of the rejects have a column.
type keptAs struct {
	name string // in any case
	typ  string // that it had then; "": JSON says no more
}

// take fixes the rows to replay: the chain may reject some again, which are not to be replayed now.
func (p *replay) take(ctx context.Context, tx *duck.Tx) error {
	if _, total := p.node.Total(); total && p.hold == nil { // its rows are computed, not read back
		_, err := tx.Exec(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {t} AS SELECT id AS _reject_id FROM {rejects}",
			duck.Args{"t": duck.Ident(replayTable), "rejects": p.rejects()}))
		return err
	}
	kept, err := p.kept(ctx, tx)
	if err != nil {
		return err
	}
	var values, wrong []*duck.Query
	for _, c := range p.node.Cols {
		v, bad := readBack(ctx, tx.Conn, c, kept[strings.ToLower(c.Name)])
		values = append(values, duck.SQL("{v} AS {n}", duck.Args{"v": v, "n": duck.Ident(c.Name)}))
		if bad != nil {
			wrong = append(wrong, duck.SQL("WHEN {bad} THEN {n}", duck.Args{"bad": bad, "n": c.Name}))
		}
	}
	if err := p.fits(ctx, tx, wrong); err != nil {
		return err
	}
	p.rows, err = tx.Exec(ctx, duck.SQL(`CREATE OR REPLACE TEMP TABLE {t} AS
		SELECT {cols}, meta AS _meta, payload AS _payload, id AS _reject_id, source AS _source, false AS _late FROM {rejects} ORDER BY id`,
		duck.Args{"t": duck.Ident(replayTable), "rejects": p.rejects(), "cols": duck.Join(", ", values...)}))
	if err != nil || !p.lateStay() {
		return err
	}
	_, err = tx.Exec(ctx, duck.SQL("INSERT INTO {t} (_reject_id, _late) SELECT id, true FROM {all} WHERE {late}",
		duck.Args{"t": duck.Ident(replayTable), "all": p.all(), "late": isLate}))
	return err
}

// lateStay: those that came too late are rows of what the destination joins, and stay so.
func (p *replay) lateStay() bool { return p.node.InTime() && p.hold == nil }

// rejects are those that come back.
func (p *replay) rejects() *duck.Query {
	if p.lateStay() {
		return duck.SQL("(FROM {all} WHERE NOT {late})", duck.Args{"all": p.all(), "late": isLate})
	}
	return p.all()
}

// all are those that are meant.
func (p *replay) all() *duck.Query {
	return duck.SQL("(SELECT * FROM dsql.rejects WHERE destination = {name} AND replayed_at IS NULL AND ({where}))",
		duck.Args{"name": p.node.Name, "where": p.where})
}

// kept finds in which forms the rejects have which columns, by their names in lower case.
func (p *replay) kept(ctx context.Context, tx *duck.Tx) (map[string][]keptAs, error) {
	rows, err := duck.Select(ctx, tx.Conn, duck.SQL(`WITH r AS (SELECT data, exact FROM {rejects}), e AS (SELECT exact, unnest(json_keys(exact)) AS k FROM r)
		SELECT DISTINCT k, json_extract_string(exact, '/' || replace(replace(k, '~', '~0'), '/', '~1') || '/t') AS t FROM e
		UNION ALL SELECT DISTINCT unnest(json_keys(data)), '' FROM r
		ORDER BY ALL DESC`, duck.Args{"rejects": p.rejects()}), func(row func(...any) error) (k keptAs, err error) {
		return k, row(&k.name, &k.typ)
	})
	out := map[string][]keptAs{}
	for _, k := range rows { // types before texts
		out[strings.ToLower(k.name)] = append(out[strings.ToLower(k.name)], k)
	}
	for n, forms := range out {
		out[n] = typesFirst(forms)
	}
	return out, err
}

func typesFirst(forms []keptAs) []keptAs {
	var typed, plain []keptAs
	for _, k := range forms {
		if k.typ == "" {
			plain = append(plain, k)
		} else {
			typed = append(typed, k)
		}
	}
	return append(typed, plain...)
}

// pointer leads to a member of an object, whatever its name.
func pointer(name string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// readBack is the value of a column that rejects have in one of these forms, and where it can't be had without a loss; nil: nowhere.
func readBack(ctx context.Context, c *duck.Conn, col duck.Column, forms []keptAs) (value, bad *duck.Query) {
	var values, bads []*duck.Query
	when := func(holds, v, b *duck.Query) {
		values = append(values, duck.SQL("WHEN {holds} THEN {v}", duck.Args{"holds": holds, "v": v}))
		if b == nil {
			b = duck.SQL("false")
		} else {
			bad = b
		}
		bads = append(bads, duck.SQL("WHEN {holds} THEN {b}", duck.Args{"holds": holds, "b": b}))
	}
	for _, k := range forms {
		a := duck.Args{"path": pointer(k.name), "t": k.typ, "type": pointer(k.name) + "/t"}
		if k.typ != "" {
			v, b := catalog.FromExact(duck.SQL("exact"), pointer(k.name), duck.Type(k.typ)), (*duck.Query)(nil)
			if duck.Type(k.typ) != col.Type {
				v, b = lossless.Cast(ctx, c, v, catalog.Listed(duck.Type(k.typ)), catalog.Listed(col.Type))
			}
			when(duck.SQL("json_extract_string(exact, {type}) = {t}", a), v, b)
			continue
		}
		for _, from := range []string{"original", "data"} {
			a["row"] = duck.Ident(from)
			v, b := fromJSON(ctx, c, col, a)
			when(duck.SQL("json_exists({row}, {path})", a), v, b)
		}
	}
	a := duck.Args{"t": col.Type, "values": duck.Join(" ", values...), "bads": duck.Join(" ", bads...)}
	if len(values) == 0 {
		return duck.SQL("NULL::{t}", a), nil
	}
	if bad != nil {
		bad = duck.SQL("CASE {bads} END", a)
	}
	return duck.SQL("CASE {values} END::{t}", a), bad
}

// fromJSON reads a value that only JSON has. Which type it had isn't known: where the JSON of what comes out is the same nothing was
// lost, else the text is converted strictly.
func fromJSON(ctx context.Context, c *duck.Conn, col duck.Column, a duck.Args) (value, bad *duck.Query) {
	t := col.Type
	text := duck.SQL("json_extract_string({row}, {path})", a)
	a = a.With(duck.Args{"t": catalog.Listed(t), "json": duck.SQL("nullif(json_extract({row}, {path}), 'null')", a), "text": text})
	if t.ID().Nested() || t.ID() == duck.TypeJSON {
		return duck.SQL("CAST({json} AS {t})", a), nil
	}
	a["plain"] = duck.SQL("TRY_CAST({text} AS {t})", a)
	a["same"] = duck.SQL("json_extract_string(to_json(struct_pack(v := {plain})), '/v') IS NOT DISTINCT FROM {text}", a)
	a["strict"], bad = lossless.Cast(ctx, c, text, "VARCHAR", col.Type)
	if bad != nil {
		bad = duck.SQL("NOT ({same}) AND ({bad})", a, duck.Args{"bad": bad})
	}
	return duck.SQL("CASE WHEN {same} THEN {plain} ELSE {strict} END", a), bad
}

// fits is an error where a value of some reject doesn't fit the type that its column has now.
func (p *replay) fits(ctx context.Context, tx *duck.Tx, wrong []*duck.Query) error {
	if len(wrong) == 0 {
		return nil
	}
	var n, id int64
	var column string
	ok, err := tx.Scan(ctx, duck.SQL("SELECT count(*) OVER (), id, c FROM (SELECT id, CASE {wrong} END AS c FROM {rejects}) WHERE c IS NOT "+
		"NULL ORDER BY id LIMIT 1", duck.Args{"wrong": duck.Join(" ", wrong...), "rejects": p.rejects()}), &n, &id, &column)
	if err != nil || !ok {
		return err
	}
	var typ duck.Type
	for _, c := range p.node.Cols {
		if c.Name == column {
			typ = c.Type
		}
	}
	return sql.Errorf(code.ReplayType,
		"%d of the rejects of %s have values that the types of now don't hold: %s of reject %d is no %s; nothing was replayed", n, p.node.Name,
		column, id, typ).
		WithHint("leave them out (WHERE id NOT IN (…)), or mend the query and REBUILD … FROM SOURCE")
}
