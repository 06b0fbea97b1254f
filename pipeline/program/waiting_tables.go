package program

import (
	"context"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/watermark"
)

// The tables of an outer join, as the script and the columns of its inputs are now.

// defineOuter makes what an outer join keeps, and takes away what is left of one that is none any more.
func (p *Program) defineOuter(ctx context.Context, tx *duck.Tx, n *Node) error {
	if _, ok := n.Obj.(Watermarked); !ok {
		return nil
	}
	j := n.Join()
	if j == nil || j.outer == nil {
		j = &Join{outer: &outer{}}
		if n.Stored == nil {
			return nil
		}
	}
	w := &Waiting{Join: j, n: n}
	for i := range j.sides {
		if err := w.define(ctx, tx, i); err != nil {
			return err
		}
	}
	return w.defineTimes(ctx, tx)
}

// define makes the table of rows of a side, as the input is now. Rows of another input go: all of the new one are new.
func (w *Waiting) define(ctx context.Context, tx *duck.Tx, side int) error {
	a := duck.Args{"t": w.table(side)}
	if !w.outer.keeps[side] {
		return tx.Run(ctx, duck.SQL("DROP TABLE IF EXISTS {t}", a))
	}
	of := w.sides[side].Of
	a["of"], a["name"] = strings.ToLower(of.Name), w.n.Name+waitsIn[side]
	other, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary AND "+
		"lower(table_name) = lower({name}) AND comment IS DISTINCT FROM {of}", a))
	if err != nil {
		return err
	}
	if other > 0 {
		if err := tx.Run(ctx, duck.SQL("DROP TABLE {t}", a)); err != nil {
			return err
		}
	}
	if err := w.fit(ctx, tx, side); err != nil {
		return err
	}
	a["row"], a["end"], a["is"], a["as"] = waitsRow, waitsEnd, w.end(side), w.called(side)
	return tx.Run(ctx, duck.SQL("COMMENT ON TABLE {t} IS {of}", a), // under another text they may wait for longer
		duck.SQL("UPDATE {t} SET {end} = _now._end FROM (SELECT {row} AS _row, {is} AS _end FROM {t} AS {as}) _now WHERE {t}.{row} = _now._row", a))
}

// fit makes the table of rows of a side where it isn't there, and brings its columns in line with the input's.
func (w *Waiting) fit(ctx context.Context, tx *duck.Tx, side int) error {
	have, err := tx.Table(ctx, w.n.Name+waitsIn[side])
	if err != nil {
		return err
	}
	a := duck.Args{"t": w.table(side), "row": waitsRow, "version": waitsVersion, "end": waitsEnd, "gone": waitsGone}
	cols := w.sides[side].Of.Cols
	if len(have) == 0 {
		a["cols"] = duck.Each(", ", cols, func(c duck.Column) *duck.Query {
			return duck.SQL("{n} {t}", duck.Args{"n": duck.Ident(c.Name), "t": c.Type})
		})
		return tx.Run(ctx, duck.SQL("CREATE TABLE {t} ({cols}, {row} BIGINT, {version} BIGINT, {end} BIGINT, {gone} BOOLEAN)", a))
	}
	types := map[string]duck.Type{}
	for _, c := range have {
		types[strings.ToLower(c.Name)] = c.Type
	}
	for _, c := range cols {
		a["c"], a["type"] = duck.Ident(c.Name), c.Type
		switch types[strings.ToLower(c.Name)] {
		case c.Type:
			continue
		case "":
			err = tx.Run(ctx, duck.SQL("ALTER TABLE {t} ADD COLUMN {c} {type}", a))
		default:
			err = tx.Run(ctx, duck.SQL("ALTER TABLE {t} ALTER COLUMN {c} TYPE {type} USING TRY_CAST({c} AS {type})", a))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// defineTimes makes the table of what is late. By other times nothing is, and both watermarks begin anew.
func (w *Waiting) defineTimes(ctx context.Context, tx *duck.Tx) error {
	by := ""
	if w.outer.timed() {
		by = strings.ToLower(w.sides[0].Of.Name + "." + w.outer.time[0] + ", " + w.sides[1].Of.Name + "." + w.outer.time[1])
	}
	a := duck.Args{"t": w.tooLate(), "name": w.n.Name + "__too_late", "by": by, "d": w.n.Name, "now": duck.Now, "late": TooLate}
	same, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary AND "+
		"lower(table_name) = lower({name}) AND comment = {by}", a))
	if err != nil || same > 0 {
		return err
	}
	if err := tx.Run(ctx, duck.SQL("DROP TABLE IF EXISTS {t}", a), duck.SQL("UPDATE dsql.rejects SET replayed_at = {now} WHERE "+
		"destination = {d} AND replayed_at IS NULL AND starts_with(reason, {late})", a)); err != nil {
		return err
	}
	if err := watermark.Forget(ctx, tx, w.n.Name); err != nil || by == "" {
		return err
	}
	return tx.Run(ctx, duck.SQL("CREATE TABLE {t} (input VARCHAR, version BIGINT, up_to BIGINT)", a),
		duck.SQL("COMMENT ON TABLE {t} IS {by}", a))
}
