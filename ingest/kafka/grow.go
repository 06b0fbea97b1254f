package kafka

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/convert"
	"dsql/ingest/names"
	"dsql/sql/code"
)

// maxGrown is how many columns ON SCHEMA CHANGE ADD COLUMNS gives a topic: whoever may write to it can name any number of fields.
const maxGrown = 1000

// found are the columns that a run has found, which may be in the file already.
type found struct{ cols []duck.Column }

func (s *Source) found(env *kind.Env) *found {
	return kind.Known(env, s, func() *found { return &found{} })
}

// grown are the columns and those that ON SCHEMA CHANGE ADD COLUMNS has added.
func (s *Source) grown(cols, added []duck.Column) []duck.Column {
	declared := s.fields(cols)
	for _, c := range added {
		read := slices.ContainsFunc(declared, func(f batch.Field) bool { return !f.Key && strings.EqualFold(f.Steps()[0], c.Name) })
		if !read && !names.Has(duck.ColumnNames(cols), c.Name) {
			cols = append(cols, c)
		}
	}
	return cols
}

// Added are those of the columns that the source had which ON SCHEMA CHANGE ADD COLUMNS had added. A declaration that takes its place
// has them too: the records that brought them aren't read again.
func (s *Source) Added(had []duck.Column) []duck.Column {
	if s.OnNew != "ADD COLUMNS" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(had), func(c duck.Column) bool { return s.Column(c.Name) != nil })
}

// grow finds the fields of a batch that no column reads. When there are some the batch must not be taken: kind.ErrColumns. What
// came before it has been written, and it is read again once there are columns for all of it.
func (r *reader) grow(ctx context.Context, in *kind.Input) error {
	s := r.s
	if s.OnNew != "ADD COLUMNS" || r.o.Everything || in.Unknown == 0 {
		return nil
	}
	fresh := len(in.UnknownNames) == convert.MaxNames // there may be more
	for _, n := range in.UnknownNames {
		fresh = fresh || !r.examined[n]
	}
	if !fresh { // inside objects, which don't grow
		return nil
	}
	found, err := r.additions(ctx, in)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		if r.examined == nil {
			r.examined = map[string]bool{}
		}
		for _, n := range in.UnknownNames {
			r.examined[n] = true
		}
		return nil
	}
	if len(r.cols)+len(found) > maxGrown {
		return s.Stmt.Errorf(code.TooManyColumns, "%s brings %d new fields, and ON SCHEMA CHANGE ADD COLUMNS goes up to %d columns", in.Origin,
			len(found), maxGrown).
			WithHint("take what varies as one column: a JSON or MAP column reads an object with any fields")
	}
	known := s.found(r.env)
	known.cols = append(known.cols, found...)
	return kind.ErrColumns
}

// additions are the fields of a batch that no column reads, as columns: those of the schemas, or what DuckDB finds in all of the batch's
// JSON, and the decoder proves.
func (r *reader) additions(ctx context.Context, in *kind.Input) ([]duck.Column, error) {
	said, all := r.landing.Additions()
	if all {
		return r.unread(said), nil
	}
	values, err := duck.Select(ctx, r.db, duck.SQL("SELECT _payload FROM {raw} WHERE _payload IS NOT NULL", duck.Args{"raw": in.Raw}),
		func(row func(...any) error) (v []byte, err error) { return v, row(&v) })
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	for _, v := range values {
		if line := r.s.format.Object(v); line != nil {
			lines = append(lines, line)
		}
	}
	found, proved, lost, err := r.s.samples.Prove(ctx, r.db, lines, func(found []duck.Column) []duck.Column {
		found = r.unread(found)
		for i, c := range found { // DuckDB's for whole numbers of both signs, of which Parquet has none
			found[i].Type = c.Type.Map(narrowed)
		}
		return found
	})
	if err != nil {
		return nil, err
	}
	for i, c := range proved { // whole numbers that BIGINT doesn't reach
		if found[i].Type == "BIGINT" && (c.Type == "HUGEINT" || c.Type == "VARCHAR") {
			proved[i].Type = "DECIMAL(38,0)"
		}
	}
	for i, c := range proved {
		if at := slices.IndexFunc(said, func(t duck.Column) bool { return t.Name == c.Name }); at >= 0 {
			proved[i].Type = said[at].Type
		}
	}
	return slices.DeleteFunc(proved, func(c duck.Column) bool { return slices.Contains(lost, c.Name) }), nil
}

func narrowed(s duck.Shape) duck.Shape {
	if s.ID == duck.TypeHugeInt || s.ID == duck.TypeUHugeInt {
		s.ID = duck.TypeBigInt
	}
	return s
}

// unread are those fields of records that no column is called by or reads.
func (r *reader) unread(found []duck.Column) []duck.Column {
	fields := r.s.fields(r.cols)
	return slices.DeleteFunc(found, func(c duck.Column) bool {
		return strings.EqualFold(c.Name, catalog.MetaColumn) || slices.ContainsFunc(fields, func(f batch.Field) bool {
			return strings.EqualFold(f.Name, c.Name) || !f.Key && strings.EqualFold(f.Steps()[0], c.Name)
		})
	})
}
