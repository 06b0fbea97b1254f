package debezium

import (
	"context"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/ingest/batch"
	"dsql/ingest/format/avro"
	"dsql/ingest/format/proto"
	"dsql/ingest/schema"
)

// registered decodes events of which a registry has the schemas: in Avro, Protobuf or JSON. What isn't JSON is made the JSON that the same
// connector would have written, and its schema the one beside it.
type registered struct {
	*decoder
	kinds *schema.Cache[sr.SchemaType]
	by    map[sr.SchemaType]texts
	known map[*schema.Type]*connectSchema
	texts texts  // of the value in hand; nil: it is JSON
	why   string // what is wrong with its schema
}

// texts make JSON of values.
type texts interface {
	Prepare(ctx context.Context, value, header []byte) error
	Type() *schema.Type // of the value that was prepared, nil where something is wrong with its schema
	Text(value []byte) (text []byte, why string, full bool)
}

func newRegistered(l *batch.Landing, schemas schema.Source) *registered {
	return &registered{decoder: newDecoder(l), kinds: schema.Kinds(schemas), known: map[*schema.Type]*connectSchema{},
		by: map[sr.SchemaType]texts{sr.TypeAvro: avro.NewTexts(l, schemas), sr.TypeProtobuf: proto.NewTexts(l, schemas)}}
}

// Prepare sees what the value in hand is written in.
func (z *registered) Prepare(ctx context.Context, value, header []byte) error {
	z.texts, z.why, z.beside = nil, "", nil
	id, ok := schema.ID(value)
	name := schema.Name{ID: id}
	if header != nil {
		name, _, ok = schema.IDOfHeader(header)
	}
	if !ok {
		return nil
	}
	kind, err := z.kinds.Get(ctx, name)
	switch {
	case err != nil:
		return err
	case kind.Why != "" && header == nil && len(value) > 5 && value[5] == '{': // JSON says itself what it is
	case kind.Why != "":
		z.why = noEvent + kind.Why
	default:
		if z.texts = z.by[kind.T]; z.texts == nil {
			return nil
		}
		if err := z.texts.Prepare(ctx, value, header); err != nil {
			return err
		}
		if t := z.texts.Type(); t != nil {
			s, met := z.known[t]
			if !met {
				s = newConnect(t, kind.T == sr.TypeAvro)
				z.known[t] = s
			}
			if z.beside = s; s == nil {
				z.why = fmt.Sprintf("%sits schema has more than %d fields, with those inside of others", noEvent, maxConnect)
			}
		}
	}
	return nil
}

func (z *registered) Decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	z.found, z.marks, z.skipped = 0, batch.Marks{}, false
	switch {
	case z.why != "":
		return z.why, 0, false
	case z.texts != nil:
		if value, why, full = z.texts.Text(value); why != "" || full {
			return why, 0, full
		}
	case lenient && !utf8.Valid(value):
		return noEvent + "no UTF-8", 0, false
	}
	return z.decoder.Decode(value, row, lenient)
}

// logicals are the types of Kafka Connect that the logical types of Avro stand for, by the digits of a second that they have.
var logicals = map[schema.Logical]map[int]string{
	schema.LogicalDate:      {0: "io.debezium.time.Date"},
	schema.LogicalTime:      {3: "io.debezium.time.Time", 6: "io.debezium.time.MicroTime"},
	schema.LogicalTimestamp: {3: "io.debezium.time.Timestamp", 6: "io.debezium.time.MicroTimestamp", 9: "io.debezium.time.NanoTimestamp"},
}

// kinds are the names that Kafka Connect has for types.
var kinds = map[schema.Kind]string{schema.KindBoolean: "boolean", schema.KindUint: "int64",
	schema.KindInt: "int32", schema.KindLong: "int64", schema.KindFloat: "float",
	schema.KindDouble: "double", schema.KindString: "string", schema.KindEnum: "string", schema.KindBytes: "bytes", schema.KindFixed: "bytes"}

// maxConnect is how many fields a schema may have, with those inside: a short text that names records in records defines very many.
const maxConnect = 20_000

// connecting makes schemas of Kafka Connect.
type connecting struct {
	raw  bool // times are numbers in JSON, and decimals base64
	left int  // fields
}

// newConnect is a type as Kafka Connect describes it; nil: it has too many fields.
func newConnect(t *schema.Type, raw bool) *connectSchema {
	x := &connecting{raw, maxConnect}
	if s := x.of(t, nil); x.left >= 0 {
		return s
	}
	return nil
}

// of is a type as Kafka Connect describes it. inside are the records that it stands in.
func (x *connecting) of(t *schema.Type, inside []*schema.Type) *connectSchema {
	if x.left--; x.left < 0 || !x.raw && t.Logical != schema.LogicalNone {
		return &connectSchema{} // its JSON says what it is
	}
	s := &connectSchema{Type: kinds[t.Kind], Name: t.Connect}
	switch t.Kind {
	case schema.KindUnion:
		for _, b := range t.Branches {
			if b.Kind != schema.KindNull && s.Type != "" {
				return &connectSchema{} // of several: what its JSON shows
			}
			if b.Kind != schema.KindNull {
				s = x.of(b, inside)
			}
		}
	case schema.KindRecord:
		s.Type = "struct"
		for _, r := range inside {
			if r == t {
				return s
			}
		}
		for _, f := range t.Fields {
			in := *x.of(f.Type, append(inside[:len(inside):len(inside)], t))
			in.Field = f.Name
			if s.Fields = append(s.Fields, in); x.left < 0 {
				return s
			}
		}
		if s.Name == "" {
			s.Name = t.Name
		}
	case schema.KindArray:
		s.Type, s.Items = "array", x.of(t.Elem, inside)
	case schema.KindMap:
		s.Type, s.Keys, s.Values = "map", &connectSchema{Type: "string"}, x.of(t.Elem, inside)
	}
	switch {
	case t.Logical == schema.LogicalDecimal:
		s.Name = connectDecimal
		s.Parameters = map[string]string{"scale": strconv.Itoa(t.Scale), "connect.decimal.precision": strconv.Itoa(t.Precision)}
	case s.Name == "" && t.Logical == schema.LogicalUUID && t.Kind == schema.KindString:
		s.Name = "io.debezium.data.Uuid"
	case s.Name == "":
		s.Name = logicals[t.Logical][t.Scale]
	}
	return s
}
