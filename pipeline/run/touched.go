package run

import (
	"context"
	"fmt"

	"dsql/engine/duck"
	"dsql/internal/plural"
	"dsql/pipeline/program"
	"dsql/sql"
)

// What verbs would touch, for a plan: counted in the file as it is now.

func rolledBack(ctx context.Context, _ *program.Program, tx *duck.Tx, d *sql.Decl, n *program.Node) ([]string, error) {
	to := d.Arg("TO VERSION").Int
	what := []string{fmt.Sprintf("to version %d; what came later is forgotten, and isn't read again", to)}
	now, err := program.Rows(ctx, tx, n)
	if err != nil || now == "" {
		return what, err
	}
	then, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {f}({v})", duck.Args{"f": duck.Ident(n.Name + "_at"), "v": to}))
	if err != nil {
		return what, err
	}
	return append(what, fmt.Sprintf("it has %s, and had %s", now, plural.Of(then, rowWord(n)))), nil
}

func rowWord(n *program.Node) string {
	if n.Keyed() {
		return "key"
	}
	return "row"
}

func rebuilt(ctx context.Context, p *program.Program, tx *duck.Tx, d *sql.Decl, n *program.Node) ([]string, error) {
	if d.Arg("FROM SOURCE") == nil {
		what := []string{"computed anew from what it remembers"}
		if _, total := n.Total(); total {
			what[0] = "computed anew from all rows of " + n.Inputs[0].Of.Name
		}
		text, err := program.Rows(ctx, tx, n)
		if text != "" {
			what = append(what, text)
		}
		return what, err
	}
	what, err := program.Stores(ctx, p, tx, d, n)
	if err != nil {
		return nil, err
	}
	files, err := tx.Int(ctx, duck.SQL("SELECT count(DISTINCT path) FROM dsql.files WHERE destination = {d}", duck.Args{"d": n.Name}))
	if err == nil && files > 0 {
		what = append(what, "of its sources it has taken "+plural.Of(files, "file"))
	}
	return append([]string{"emptied, and filled again from all that its inputs still have"}, what...), err
}

func vacuumed(_ context.Context, _ *program.Program, _ *duck.Tx, _ *sql.Decl, n *program.Node) (what []string, err error) {
	if _, retains := retaining(n); retains {
		what = append(what, "gives up rows of windows that all its rollups have closed for as long as RETAIN keeps them")
	}
	if d, ok := n.Destination(); ok && (d.Chain().Retain != nil || len(what) == 0) {
		what = append(what, "gives up superseded rows that RETAIN VERSIONS no longer keeps")
	}
	return what, nil
}

func readAgain(ctx context.Context, _ *program.Program, tx *duck.Tx, _ *sql.Decl, n *program.Node) ([]string, error) {
	files, err := tx.Int(ctx, duck.SQL("SELECT count(DISTINCT path) FROM dsql.files WHERE source = {s}", duck.Args{"s": n.Name}))
	what := []string{"read again: journals absorb what they have seen"}
	if err == nil && files > 0 {
		what = append(what, "it has taken "+plural.Of(files, "file"))
	}
	return what, err
}

func replayed(ctx context.Context, _ *program.Program, tx *duck.Tx, d *sql.Decl, n *program.Node) ([]string, error) {
	a := duck.Args{"name": n.Name, "where": duck.SQL("true"), "of": duck.SQL("destination = {name}", duck.Args{"name": n.Name})}
	if w := d.Arg("WHERE"); w != nil {
		a["where"] = duck.User(d.Src, w.Exprs[0])
	}
	if _, source := n.Source(); source {
		a["of"] = duck.SQL("destination IS NULL AND source = {name}", a)
	} else if _, sink := n.Sink(); sink {
		a["of"] = duck.SQL("{of} AND {sunk}", a, duck.Args{"sunk": sunkRows})
	}
	rows, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.rejects WHERE {of} AND replayed_at IS NULL AND ({where})", a))
	return []string{plural.Of(rows, "reject") + " would be tried again"}, err
}

func heldBy(ctx context.Context, _ *program.Program, tx *duck.Tx, _ *sql.Decl, n *program.Node) ([]string, error) {
	var holds, rows int64
	if _, err := tx.Scan(ctx, duck.SQL(`SELECT count(*), coalesce(sum("rows"), 0)::BIGINT FROM dsql.holds WHERE destination = {d}`,
		duck.Args{"d": n.Name}), &holds, &rows); err != nil {
		return nil, err
	}
	if holds == 0 {
		return []string{"nothing is held back"}, nil
	}
	return []string{plural.Of(holds, "hold") + " of " + plural.Of(rows, "row")}, nil
}
