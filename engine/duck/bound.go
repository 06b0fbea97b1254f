package duck

import (
	"errors"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Values of a chunk as parameters of a statement.

// Binds says that BindFrom takes values of a node's type: those that fit into a word, and texts.
func Binds(n *Node) bool {
	switch n.ID {
	case TypeHugeInt, TypeUHugeInt, TypeDecimal, TypeUUID, TypeEnum, TypeStruct, TypeList, TypeMap,
		TypeTimestampS, TypeTimestampMS, TypeTimestampNS:
		return false
	}
	return true
}

// BindFrom gives parameter i, counted from 1, the value that a chunk has in a row.
func (s *Statement) BindFrom(i int, c *Chunk, n *Node, row int) error {
	v, at := &c.Vecs[n.Vec], bindings.IdxT(i)
	if *(*uint64)(unsafe.Add(v.valid, row>>6<<3))>>(row&63)&1 == 0 {
		return s.Bind(i, nil)
	}
	state := bindings.StateError
	switch n.ID {
	case TypeBoolean:
		state = bindings.BindBoolean(s.st, at, get[bool](v, row))
	case TypeTinyInt:
		state = bindings.BindInt8(s.st, at, get[int8](v, row))
	case TypeSmallInt:
		state = bindings.BindInt16(s.st, at, get[int16](v, row))
	case TypeInteger:
		state = bindings.BindInt32(s.st, at, get[int32](v, row))
	case TypeBigInt:
		state = bindings.BindInt64(s.st, at, get[int64](v, row))
	case TypeUTinyInt:
		state = bindings.BindUInt8(s.st, at, get[uint8](v, row))
	case TypeUSmallInt:
		state = bindings.BindUInt16(s.st, at, get[uint16](v, row))
	case TypeUInteger:
		state = bindings.BindUInt32(s.st, at, get[uint32](v, row))
	case TypeUBigInt:
		state = bindings.BindUInt64(s.st, at, get[uint64](v, row))
	case TypeFloat:
		state = bindings.BindFloat(s.st, at, get[float32](v, row))
	case TypeDouble:
		state = bindings.BindDouble(s.st, at, get[float64](v, row))
	case TypeDate:
		state = bindings.BindDate(s.st, at, bindings.NewDate(get[int32](v, row)))
	case TypeTime:
		state = bindings.BindTime(s.st, at, bindings.NewTime(get[int64](v, row)))
	case TypeTimestamp:
		state = bindings.BindTimestamp(s.st, at, bindings.NewTimestamp(get[int64](v, row)))
	case TypeTimestampTZ:
		state = bindings.BindTimestampTZ(s.st, at, bindings.NewTimestamp(get[int64](v, row)))
	case TypeBlob:
		b, _ := printed{data: v.data}.text(row)
		return s.Bind(i, b)
	case TypeVarchar, TypeJSON:
		b, _ := printed{data: v.data}.text(row)
		return s.Bind(i, string(b))
	}
	if state == bindings.StateError {
		return errors.New("DuckDB did not take a parameter: " + bindings.PrepareError(s.st))
	}
	return nil
}

func get[T any](v *Vector, row int) T {
	return *(*T)(unsafe.Add(v.data, uintptr(row)*unsafe.Sizeof(*new(T))))
}

// Doubles is a DOUBLE column's values, and its validity words.
func (c *Chunk) Doubles(n *Node) (*float64, *uint64) {
	v := &c.Vecs[n.Vec]
	return (*float64)(v.data), (*uint64)(v.valid)
}

// Text is a VARCHAR's value in a row, in the chunk's memory; "" for NULL.
func (c *Chunk) Text(n *Node, row int) string {
	v := &c.Vecs[n.Vec]
	b, _ := printed{data: v.data, valid: v.valid}.text(row)
	return unsafe.String(unsafe.SliceData(b), len(b))
}
