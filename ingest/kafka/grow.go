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
	"dsql/sql/code"
)

// maxGrown is how many columns ON SCHEMA CHANGE ADD COLUMNS gives a topic: whoever may write to it can name any number of fields.
const maxGrown = 1000

// grower finds new columns in batches.
type grower struct {
	*feed
	examined map[string]bool // unknown fields that give no columns
}

// grow finds the fields of a batch that no column reads. When there are some the batch must not be taken: kind.ErrColumns. What
// came before it has been written, and it is read again once there are columns for all of it.
func (r *grower) grow(ctx context.Context, in *kind.Input) error {
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

// additions are the fields of a batch that no column reads, as columns: those of the schemas, and what DuckDB finds in all of the batch's
// JSON, and the decoder proves.
func (r *grower) additions(ctx context.Context, in *kind.Input) ([]duck.Column, error) {
	said, all := r.landing.Additions()
	if all {
		return r.unread(said), nil
	}
	shown, lost, err := r.shown(ctx, in)
	if err != nil {
		return nil, err
	}
	for i, c := range shown {
		if at := slices.IndexFunc(said, func(t duck.Column) bool { return t.Name == c.Name }); at >= 0 {
			shown[i].Type = said[at].Type
		}
	}
	for _, c := range r.unread(said) { // of records that are no JSON
		if !slices.Contains(lost, c.Name) && !slices.Contains(duck.ColumnNames(shown), c.Name) {
			shown = append(shown, c)
		}
	}
	return slices.DeleteFunc(shown, func(c duck.Column) bool { return slices.Contains(lost, c.Name) }), nil
}

// shown are the fields that the batch's JSON shows; lost are such as no record has.
func (r *grower) shown(ctx context.Context, in *kind.Input) (cols []duck.Column, lost []string, err error) {
	values, err := duck.Select(ctx, r.db, duck.SQL("SELECT _payload FROM {raw} WHERE _payload IS NOT NULL", duck.Args{"raw": in.Raw}),
		func(row func(...any) error) (v []byte, err error) { return v, row(&v) })
	if err != nil {
		return nil, nil, err
	}
	var lines [][]byte
	for _, v := range values {
		if line := r.s.format.Object(v); line != nil {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, nil, nil
	}
	found, proved, lost, err := r.s.samples.Prove(ctx, r.db, lines, func(found []duck.Column) []duck.Column {
		found = r.unread(found)
		for i, c := range found { // DuckDB's for whole numbers of both signs, of which Parquet has none
			found[i].Type = c.Type.Map(narrowed)
		}
		return found
	})
	for i, c := range proved { // whole numbers that BIGINT doesn't reach
		if found[i].Type == "BIGINT" && (c.Type == "HUGEINT" || c.Type == "VARCHAR") {
			proved[i].Type = "DECIMAL(38,0)"
		}
	}
	return proved, lost, err
}

func narrowed(s duck.Shape) duck.Shape {
	if s.ID == duck.TypeHugeInt || s.ID == duck.TypeUHugeInt {
		s.ID = duck.TypeBigInt
	}
	return s
}

// unread are those fields of records that no column is called by or reads.
func (r *grower) unread(found []duck.Column) []duck.Column {
	fields := r.s.fields(r.cols)
	return slices.DeleteFunc(found, func(c duck.Column) bool {
		return strings.EqualFold(c.Name, catalog.MetaColumn) || slices.ContainsFunc(fields, func(f batch.Field) bool {
			return strings.EqualFold(f.Name, c.Name) || !f.Key && strings.EqualFold(f.Steps()[0], c.Name)
		})
	})
}
