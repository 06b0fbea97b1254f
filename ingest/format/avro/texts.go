package avro

import (
	"context"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/ingest/batch"
	"dsql/ingest/convert"
	"dsql/ingest/schema"
)

// Texts makes JSON of values, as Kafka Connect's own converter would have written them: times are the numbers that they are, bytes and
// decimals base64.
type Texts struct {
	d     decoder
	types schema.Cache[*schema.Type]
	in    *schema.Type
}

// NewTexts makes them for a landing.
func NewTexts(l *batch.Landing, schemas schema.Source) *Texts {
	x := &Texts{d: decoder{raw: true, Decoder: schema.NewDecoder(convert.Columns{W: &l.Writer, Root: &convert.Slot{Obj: convert.NewObject()},
		Names: &convert.NameSet{}}, l.Limits.Bytes, "Avro")}}
	x.types = schema.NewCache(schemas, sr.TypeAvro, func(_ context.Context, s *schema.Text) (*schema.Type, error) {
		return Parse(s.Text, s.References)
	})
	return x
}

// Prepare finds the type of a value; Text says what is wrong with its schema.
func (x *Texts) Prepare(ctx context.Context, value, header []byte) error {
	x.in = nil
	name, rest, ok := x.d.Named(value, header)
	if !ok {
		return nil
	}
	if header != nil {
		x.d.Surplus(rest)
	}
	t, err := x.types.Get(ctx, name)
	if err == nil && x.d.Why == "" {
		x.d.Why, x.in = t.Why, t.T
	}
	return err
}

// Type is that of the value that was prepared.
func (x *Texts) Type() *schema.Type { return x.in }

// Text is the value that was prepared, as JSON. why says what is wrong with it, full that there was no room.
func (x *Texts) Text(value []byte) (text []byte, why string, full bool) {
	d := &x.d
	if d.Why != "" {
		return nil, d.Why, false
	}
	d.Begin(false)
	d.b, d.i, d.empty, d.Text = value, min(d.Head, len(value)), 0, d.Text[:0]
	ok := d.render(x.in, 0)
	if ok && d.i < len(value) {
		ok = d.Broken("%d bytes follow the value", len(value)-d.i)
	}
	if why, _, full = d.End(ok, 0); why != "" || full {
		return nil, why, full
	}
	text, room := d.W.Keep(d.Text)
	return text, "", !room
}
