//go:build invariants

package duck

import (
	"fmt"
	"reflect"
)

// checked is what a vector knows of itself where what is written into it is checked.
type checked struct {
	node *Node
	rows int // that it can hold
}

func (v *Vector) knows(n *Node, rows int) { v.node, v.rows = n, rows }

// mustHave: the row is one of the vector, and the vector is the chunk's own.
func (v *Vector) mustHave(row int) {
	switch {
	case v.shared:
		panic("duck: a value is written into a vector of another chunk")
	case row < 0 || row >= v.rows:
		panic(fmt.Sprintf("duck: row %d of a vector of %d rows", row, v.rows))
	}
}

// mustTake: the row is there, and the value is one that the vector's type has.
func (v *Vector) mustTake(row int, x any) {
	v.mustHave(row)
	if want := v.node.holds(); reflect.TypeOf(x) != want {
		panic(fmt.Sprintf("duck: a %T is put into a vector of %s, which holds %v", x, v.node.Type, want))
	}
}

// mustSpan: the elements of a list are there.
func (v *Vector) mustSpan(at, n int) {
	if at < 0 || n < 0 || at+n > v.n {
		panic(fmt.Sprintf("duck: a list of elements %d to %d, and there are %d", at, at+n, v.n))
	}
}

// holds is the type of Go's that a value of the node lies in its vector as.
func (n *Node) holds() reflect.Type {
	switch n.ID {
	case TypeDecimal:
		return map[uintptr]reflect.Type{2: reflect.TypeFor[int16](), 4: reflect.TypeFor[int32](), 8: reflect.TypeFor[int64](),
			16: reflect.TypeFor[Int128]()}[n.Size]
	case TypeEnum:
		return map[uintptr]reflect.Type{1: reflect.TypeFor[uint8](), 2: reflect.TypeFor[uint16](), 4: reflect.TypeFor[uint32]()}[n.Size]
	}
	return held[n.ID]
}

var held = map[TypeID]reflect.Type{
	TypeBoolean: reflect.TypeFor[bool](), TypeTinyInt: reflect.TypeFor[int8](), TypeSmallInt: reflect.TypeFor[int16](),
	TypeInteger: reflect.TypeFor[int32](), TypeBigInt: reflect.TypeFor[int64](), TypeHugeInt: reflect.TypeFor[Int128](),
	TypeUTinyInt: reflect.TypeFor[uint8](), TypeUSmallInt: reflect.TypeFor[uint16](), TypeUInteger: reflect.TypeFor[uint32](),
	TypeUBigInt: reflect.TypeFor[uint64](), TypeUHugeInt: reflect.TypeFor[Int128](), TypeFloat: reflect.TypeFor[float32](),
	TypeDouble: reflect.TypeFor[float64](), TypeVarchar: reflect.TypeFor[[]byte](), TypeJSON: reflect.TypeFor[[]byte](),
	TypeBlob: reflect.TypeFor[[]byte](), TypeDate: reflect.TypeFor[int32](), TypeTime: reflect.TypeFor[int64](),
	TypeTimestamp: reflect.TypeFor[int64](), TypeTimestampS: reflect.TypeFor[int64](), TypeTimestampMS: reflect.TypeFor[int64](),
	TypeTimestampNS: reflect.TypeFor[int64](), TypeTimestampTZ: reflect.TypeFor[int64](), TypeUUID: reflect.TypeFor[Int128](),
	TypeList: reflect.TypeFor[[2]uint64](), TypeMap: reflect.TypeFor[[2]uint64](),
}

// end: nothing runs in a transaction that is over.
func (tx *Tx) end() { tx.Conn = nil }
