package program

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// expected compares a destination's columns with EXPECT COLUMNS: the same names, of the same types, in the same order. given are those of
// its query: what the table has beside them (_version, valid_from) is no matter of the user's.
func expected(ctx context.Context, tx *duck.Tx, dest kind.Destination, given, stored []duck.Column) error {
	d, v := dest.Decl(), dest.Chain().Expected
	if v == nil {
		return nil
	}
	cols := slices.DeleteFunc(slices.Clone(stored), func(c duck.Column) bool {
		return !slices.ContainsFunc(given, func(g duck.Column) bool { return sql.Same(g.Name, c.Name) })
	})
	const hint = "mend the query, or EXPECT COLUMNS where the new shape is meant"
	var errs sql.List
	have, left := duck.ColumnNames(cols), slices.Clone(cols)
	for _, c := range v.Columns {
		i := slices.IndexFunc(left, func(x duck.Column) bool { return sql.Same(x.Name, c.Name.Text) })
		if i < 0 {
			errs = append(errs, d.At(c.Name.Span).Errorf(code.ColumnsDiffer, "%s has no column %s", d.Name, sql.ShownName(c.Name.Text)).
				WithHint(sql.DidYouMean(c.Name.Text, have, hint)))
			continue
		}
		is := left[i].Type
		left = slices.Delete(left, i, i+1)
		want, err := tx.Describe(ctx, duck.SQL("SELECT NULL::{t} AS c", duck.Args{"t": duck.User(d.Src, c.At)}), d.At(c.At))
		switch {
		case duck.IsAborted(err):
			return err
		case err != nil:
			errs = append(errs, d.At(c.At).Errorf(code.UnknownType, "there is no type %s", c.Type).WithHint("write a type of DuckDB").WithCause(err))
		case is != want[0].Type:
			errs = append(errs, d.At(c.At).Errorf(code.ColumnsDiffer, "the column %s of %s is %s, and %s is expected",
				sql.ShownName(c.Name.Text), d.Name, is, want[0].Type).WithHint(hint))
		}
	}
	if len(left) > 0 {
		errs = append(errs, d.At(v.Keyword).Errorf(code.ColumnsDiffer, "%s has columns that aren't expected: %s", d.Name,
			shownNames(left)).WithHint(hint))
	}
	if len(errs) > 0 {
		return errs
	}
	for i, c := range v.Columns {
		if !sql.Same(c.Name.Text, cols[i].Name) {
			return d.At(c.Name.Span).Errorf(code.ColumnsDiffer, "the columns of %s stand in another order: %s", d.Name, shownNames(cols)).
				WithHint(hint)
		}
	}
	return nil
}

func shownNames(cols []duck.Column) string {
	var out []string
	for _, c := range cols {
		out = append(out, sql.ShownName(c.Name))
	}
	return strings.Join(out, ", ")
}
