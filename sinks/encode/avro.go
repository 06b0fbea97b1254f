package encode

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
)

// Avro: a record whose fields may all be null, so that a schema with one more, or one less, reads the records of the other.

type avroRecord struct {
	Type      string      `json:"type"`
	Name      string      `json:"name"`
	Namespace string      `json:"namespace,omitempty"`
	Fields    []avroField `json:"fields"`
}

type avroField struct {
	Name    string `json:"name"`
	Type    any    `json:"type"`
	Default any    `json:"default"` // null
}

type avroLogical struct {
	Type        string `json:"type"`
	LogicalType string `json:"logicalType"`
	Precision   int    `json:"precision,omitempty"`
	Scale       *int   `json:"scale,omitempty"` // 0 too: not every library knows that it is the default
}

type avroList struct {
	Type   string `json:"type"`
	Items  any    `json:"items,omitempty"`
	Values any    `json:"values,omitempty"`
}

// avro makes one schema.
type avro struct {
	names map[string]bool // of records
}

func avroRow(name string, cols []duck.Column, _ *sr.Schema) (*Encoder, error) {
	namespace, name := split(name)
	a := &avro{map[string]bool{}}
	rec, puts, err := a.record(name, "", cols)
	if err != nil {
		return nil, err
	}
	rec.Namespace = namespace
	e, err := avroEncoder(rec)
	if err != nil {
		return nil, err
	}
	for _, c := range cols {
		e.Casts = append(e.Casts, castOf(c.Type))
	}
	e.body = func(b []byte, views []*duck.View, row int) (_ []byte, err error) {
		for i, p := range puts {
			if b, err = p(b, views[i], row); err != nil {
				return b, err
			}
		}
		return b, nil
	}
	return e, nil
}

func avroOne(name string, col duck.Column, _ *sr.Schema) (*Encoder, error) {
	_, name = split(name)
	a := &avro{map[string]bool{}}
	t, p, err := a.of(name, col.Name, col.Type)
	if err != nil {
		return nil, err
	}
	e, err := avroEncoder(t)
	if err != nil {
		return nil, err
	}
	e.Casts = []duck.Type{castOf(col.Type)}
	e.body = func(b []byte, views []*duck.View, row int) ([]byte, error) { return p(b, views[0], row) }
	return e, nil
}

func avroEncoder(t any) (*Encoder, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	return &Encoder{Schema: sr.Schema{Type: sr.TypeAvro, Schema: string(text)}}, nil
}

// record makes a record of columns, and what writes each of them, NULLs too. path is where it stands, "" for the row.
func (a *avro) record(name, path string, cols []duck.Column) (*avroRecord, []put, error) {
	for base, n := name, 2; a.names[name]; n++ {
		name = fmt.Sprint(base, "_", n)
	}
	a.names[name] = true
	rec := &avroRecord{Type: "record", Name: name}
	puts := make([]put, len(cols))
	for i, c := range cols {
		if err := fieldName(c.Name, path, "Avro"); err != nil {
			return nil, nil, err
		}
		t, p, err := a.of(name+"_"+c.Name, below(path, c.Name), c.Type)
		if err != nil {
			return nil, nil, err
		}
		rec.Fields, puts[i] = append(rec.Fields, avroField{Name: c.Name, Type: []any{"null", t}}), orNull(p)
	}
	return rec, puts, nil
}

// below is the path of a part.
func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// orNull writes which branch of ["null", …] a value is, and the value.
func orNull(p put) put {
	return func(b []byte, v *duck.View, row int) ([]byte, error) {
		if v.Null(row) {
			return append(b, 0), nil
		}
		return p(append(b, 2), v, row)
	}
}

// of is a type's schema, and what writes its values. name is that of records in it.
func (a *avro) of(name, path string, t duck.Type) (any, put, error) {
	switch s := t.Shape(); s.ID {
	case duck.TypeBoolean:
		return "boolean", func(b []byte, v *duck.View, row int) ([]byte, error) { return append(b, byte(word(v, row))), nil }, nil
	case duck.TypeTinyInt, duck.TypeSmallInt, duck.TypeInteger:
		return "int", avroSigned, nil
	case duck.TypeUTinyInt, duck.TypeUSmallInt:
		return "int", avroUnsigned, nil
	case duck.TypeUInteger:
		return "long", avroUnsigned, nil
	case duck.TypeBigInt:
		return "long", avroSigned, nil
	case duck.TypeUBigInt, duck.TypeHugeInt, duck.TypeUHugeInt, duck.TypeDecimal:
		p, n := digits(s)
		return avroLogical{"bytes", "decimal", p, &n}, avroNumber(path), nil
	case duck.TypeFloat:
		return "float", func(b []byte, v *duck.View, row int) ([]byte, error) {
			return binary.LittleEndian.AppendUint32(b, uint32(word(v, row))), nil
		}, nil
	case duck.TypeDouble:
		return "double", func(b []byte, v *duck.View, row int) ([]byte, error) {
			return binary.LittleEndian.AppendUint64(b, word(v, row)), nil
		}, nil
	case duck.TypeBlob:
		return "bytes", avroText, nil
	case duck.TypeUUID:
		return avroLogical{Type: "string", LogicalType: "uuid"}, avroText, nil
	case duck.TypeDate:
		return avroLogical{Type: "int", LogicalType: "date"}, avroTime(path, 1), nil
	case duck.TypeTime:
		return avroLogical{Type: "long", LogicalType: "time-micros"}, avroSigned, nil
	case duck.TypeTimestampS:
		return avroLogical{Type: "long", LogicalType: "timestamp-millis"}, avroTime(path, 1000), nil
	case duck.TypeTimestampMS:
		return avroLogical{Type: "long", LogicalType: "timestamp-millis"}, avroTime(path, 1), nil
	case duck.TypeTimestampNS:
		return avroLogical{Type: "long", LogicalType: "timestamp-nanos"}, avroTime(path, 1), nil
	case duck.TypeTimestamp, duck.TypeTimestampTZ:
		return avroLogical{Type: "long", LogicalType: "timestamp-micros"}, avroTime(path, 1), nil
	case duck.TypeList, duck.TypeArray:
		return a.list(name, path, s.Parts[0].Type)
	case duck.TypeMap:
		return a.dict(name, path, s.Parts[1].Type)
	case duck.TypeStruct:
		return a.nested(name, path, s.Parts)
	}
	return "string", avroText, nil // by its text, see castOf
}

func avroSigned(b []byte, v *duck.View, row int) ([]byte, error) {
	return binary.AppendVarint(b, signed(v, row)), nil
}

func avroUnsigned(b []byte, v *duck.View, row int) ([]byte, error) {
	return binary.AppendVarint(b, int64(word(v, row))), nil
}

func avroText(b []byte, v *duck.View, row int) ([]byte, error) {
	t := text(v, row)
	return append(binary.AppendVarint(b, int64(len(t))), t...), nil
}

// avroNumber writes a decimal, behind how many bytes it has: at most 16, which are a varint of one byte.
func avroNumber(path string) put {
	return func(b []byte, v *duck.View, row int) ([]byte, error) {
		at := len(b)
		b, err := number(append(b, 0), v, row, path)
		b[at] = byte(2 * (len(b) - at - 1))
		return b, err
	}
}

// avroTime writes a time, in units that are times as small.
func avroTime(path string, times int64) put {
	return func(b []byte, v *duck.View, row int) ([]byte, error) {
		n, err := finite(v, row, path)
		if err == nil && (n > math.MaxInt64/times || n < math.MinInt64/times) {
			err = &Unfit{path, "a time that Avro has no number for"}
		}
		return binary.AppendVarint(b, n*times), err
	}
}

// items writes elements as one block, and the empty one that ends it.
func items(b []byte, v *duck.View, row int, each func(b []byte, i int) ([]byte, error)) (_ []byte, err error) {
	from, to := span(v, row)
	if from < to {
		b = binary.AppendVarint(b, int64(to-from))
	}
	for i := from; i < to; i++ {
		if b, err = each(b, i); err != nil {
			return b, err
		}
	}
	return append(b, 0), nil
}

func (a *avro) list(name, path string, of duck.Type) (any, put, error) {
	t, p, err := a.of(name, path, of)
	p = orNull(p)
	return avroList{Type: "array", Items: []any{"null", t}}, func(b []byte, v *duck.View, row int) ([]byte, error) {
		return items(b, v, row, func(b []byte, i int) ([]byte, error) { return p(b, &v.Parts[0], i) })
	}, err
}

func (a *avro) dict(name, path string, of duck.Type) (any, put, error) {
	t, p, err := a.of(name, path, of)
	p = orNull(p)
	return avroList{Type: "map", Values: []any{"null", t}}, func(b []byte, v *duck.View, row int) ([]byte, error) {
		entry := v.Parts[0].Parts
		return items(b, v, row, func(b []byte, i int) ([]byte, error) {
			b, err := avroText(b, &entry[0], i)
			if err != nil {
				return b, err
			}
			return p(b, &entry[1], i)
		})
	}, err
}

func (a *avro) nested(name, path string, fields []duck.Column) (any, put, error) {
	rec, puts, err := a.record(name, path, fields)
	return rec, func(b []byte, v *duck.View, row int) (_ []byte, err error) {
		for i, p := range puts {
			if b, err = p(b, &v.Parts[i], row); err != nil {
				return b, err
			}
		}
		return b, nil
	}, err
}
