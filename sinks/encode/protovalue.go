package encode

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"dsql/engine/duck"
)

// protoValue is a type of Protobuf, and what writes its values, without a tag.
type protoValue struct {
	typ   string
	wire  protowire.Type
	write put
}

// tagged writes a field of one value.
func (p protoValue) tagged(n protowire.Number) put {
	return func(b []byte, v *duck.View, row int) ([]byte, error) {
		return p.write(protowire.AppendTag(b, n, p.wire), v, row)
	}
}

// repeated writes a list: numbers packed, all else a tag each.
func (p protoValue) repeated(n protowire.Number, path string) put {
	packed := p.wire != protowire.BytesType
	one := p.tagged(n)
	if packed {
		one = p.write
	}
	all := func(b []byte, v *duck.View, row int) (_ []byte, err error) {
		from, to := span(v, row)
		for i := from; i < to; i++ {
			if v.Parts[0].Null(i) {
				return b, &Unfit{path, "a list with NULL in it, which Protobuf doesn't know"}
			}
			if b, err = one(b, &v.Parts[0], i); err != nil {
				return b, err
			}
		}
		return b, nil
	}
	if !packed {
		return all
	}
	return func(b []byte, v *duck.View, row int) ([]byte, error) {
		if from, to := span(v, row); from == to {
			return b, nil
		}
		return sized(protowire.AppendTag(b, n, protowire.BytesType), func(b []byte) ([]byte, error) { return all(b, v, row) })
	}
}

// entries writes a map: a message of key and value for each.
func (p protoValue) entries(n protowire.Number, path string) put {
	value := p.tagged(2)
	return func(b []byte, v *duck.View, row int) (_ []byte, err error) {
		from, to := span(v, row)
		for i := from; i < to; i++ {
			entry := v.Parts[0].Parts
			if entry[1].Null(i) {
				return b, &Unfit{path, "a map with NULL in it, which Protobuf doesn't know"}
			}
			b, err = sized(protowire.AppendTag(b, n, protowire.BytesType), func(b []byte) ([]byte, error) {
				b = protowire.AppendBytes(protowire.AppendTag(b, 1, protowire.BytesType), text(&entry[0], i))
				return value(b, &entry[1], i)
			})
			if err != nil {
				return b, err
			}
		}
		return b, nil
	}
}

// value is the type of a value of a field of m.
func (p *proto) value(m *message, field, path string, t duck.Type) (protoValue, error) {
	varint := func(typ string, of func(*duck.View, int) uint64) protoValue {
		return protoValue{typ, protowire.VarintType, func(b []byte, v *duck.View, row int) ([]byte, error) {
			return protowire.AppendVarint(b, of(v, row)), nil
		}}
	}
	number := func(v *duck.View, row int) uint64 { return uint64(signed(v, row)) }
	switch s := t.Shape(); s.ID {
	case duck.TypeBoolean:
		return varint("bool", word), nil
	case duck.TypeTinyInt, duck.TypeSmallInt, duck.TypeInteger:
		return varint("int32", number), nil
	case duck.TypeBigInt:
		return varint("int64", number), nil
	case duck.TypeUTinyInt, duck.TypeUSmallInt, duck.TypeUInteger:
		return varint("uint32", word), nil
	case duck.TypeUBigInt:
		return varint("uint64", word), nil
	case duck.TypeFloat:
		return protoValue{"float", protowire.Fixed32Type, func(b []byte, v *duck.View, row int) ([]byte, error) {
			return protowire.AppendFixed32(b, uint32(word(v, row))), nil
		}}, nil
	case duck.TypeDouble:
		return protoValue{"double", protowire.Fixed64Type, func(b []byte, v *duck.View, row int) ([]byte, error) {
			return protowire.AppendFixed64(b, word(v, row)), nil
		}}, nil
	case duck.TypeBlob:
		return protoValue{"bytes", protowire.BytesType, protoText}, nil
	case duck.TypeHugeInt, duck.TypeUHugeInt, duck.TypeDecimal:
		p.imports[decimalFile] = true
		return protoValue{".confluent.type.Decimal", protowire.BytesType, protoDecimal(s, path)}, nil
	case duck.TypeTimestamp, duck.TypeTimestampTZ, duck.TypeTimestampS, duck.TypeTimestampMS, duck.TypeTimestampNS:
		p.imports[timestampFile] = true
		return protoValue{".google.protobuf.Timestamp", protowire.BytesType, protoTime(unitsOf(s.ID), path)}, nil
	case duck.TypeStruct:
		return p.nested(m, field, path, s.Parts)
	case duck.TypeList, duck.TypeArray, duck.TypeMap:
		return p.around(m, field, path, t)
	}
	return protoValue{"string", protowire.BytesType, protoText}, nil // by its text, see castOf
}

func protoText(b []byte, v *duck.View, row int) ([]byte, error) {
	return protowire.AppendBytes(b, text(v, row)), nil
}

// protoDecimal writes a confluent.type.Decimal.
func protoDecimal(s duck.Shape, path string) put {
	precision, scale := digits(s)
	return func(b []byte, v *duck.View, row int) ([]byte, error) {
		return sized(b, func(b []byte) ([]byte, error) {
			b, err := sized(protowire.AppendTag(b, 1, protowire.BytesType), func(b []byte) ([]byte, error) { return number(b, v, row, path) })
			b = protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), uint64(precision))
			if scale > 0 {
				b = protowire.AppendVarint(protowire.AppendTag(b, 3, protowire.VarintType), uint64(scale))
			}
			return b, err
		})
	}
}

// The seconds that a google.protobuf.Timestamp can have: of the years 1 to 9999.
const minSeconds, maxSeconds = -62135596800, 253402300799

// protoTime writes a google.protobuf.Timestamp.
func protoTime(units int64, path string) put {
	return func(b []byte, v *duck.View, row int) ([]byte, error) {
		n, err := finite(v, row, path)
		sec, rest := n/units, n%units
		if rest < 0 {
			sec, rest = sec-1, rest+units
		}
		if err == nil && (sec < minSeconds || sec > maxSeconds) {
			err = &Unfit{path, "a time outside of the years 1 to 9999, which Protobuf's Timestamp has"}
		}
		if err != nil {
			return b, err
		}
		return sized(b, func(b []byte) ([]byte, error) {
			if sec != 0 {
				b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), uint64(sec))
			}
			if rest != 0 {
				b = protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), uint64(rest*(1e9/units)))
			}
			return b, nil
		})
	}
}

// nested is a message inside m for the STRUCTs of a field.
func (p *proto) nested(m *message, field, path string, cols []duck.Column) (protoValue, error) {
	typ, puts, err := p.inside(m, field, path, cols)
	return protoValue{typ, protowire.BytesType, func(b []byte, v *duck.View, row int) ([]byte, error) {
		return sized(b, func(b []byte) (_ []byte, err error) {
			for i, put := range puts {
				part := &v.Parts[i]
				if part.Null(row) {
					continue
				}
				if b, err = put(b, part, row); err != nil {
					return b, err
				}
			}
			return b, nil
		})
	}}, err
}

// around is a message inside m around each list or map that stands in a list or map, as its field `items`.
func (p *proto) around(m *message, field, path string, t duck.Type) (protoValue, error) {
	typ, puts, err := p.inside(m, field, path, []duck.Column{{Name: "items", Type: t}})
	return protoValue{typ, protowire.BytesType, func(b []byte, v *duck.View, row int) ([]byte, error) {
		return sized(b, func(b []byte) ([]byte, error) { return puts[0](b, v, row) })
	}}, err
}

// inside adds a message of columns to m.
func (p *proto) inside(m *message, field, path string, cols []duck.Column) (typ string, puts []put, err error) {
	typ, err = m.add(field, func(name string, prior protoreflect.MessageDescriptor) (inside *message, err error) {
		inside, puts, err = p.message(name, path, cols, prior)
		return inside, err
	})
	return typ, puts, err
}
