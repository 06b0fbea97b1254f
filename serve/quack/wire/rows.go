package wire

import (
	"encoding/binary"

	"dsql/engine/duck"
)

// typeIDs are DuckDB's numbers of types in what it serializes. The C API has others.
var typeIDs = map[duck.TypeID]uint64{
	duck.TypeNull: 1, duck.TypeBoolean: 10, duck.TypeTinyInt: 11, duck.TypeSmallInt: 12, duck.TypeInteger: 13, duck.TypeBigInt: 14,
	duck.TypeDate: 15, duck.TypeTime: 16, duck.TypeTimestampS: 17, duck.TypeTimestampMS: 18, duck.TypeTimestamp: 19, duck.TypeTimestampNS: 20,
	duck.TypeDecimal: 21, duck.TypeFloat: 22, duck.TypeDouble: 23, duck.TypeVarchar: 25, duck.TypeJSON: 25, duck.TypeBlob: 26,
	duck.TypeInterval: 27, duck.TypeUTinyInt: 28, duck.TypeUSmallInt: 29, duck.TypeUInteger: 30, duck.TypeUBigInt: 31,
	duck.TypeTimestampTZ: 32, duck.TypeTimeTZ: 34, duck.TypeTimeNS: 35, duck.TypeBit: 36, duck.TypeBigNum: 39, duck.TypeUHugeInt: 49,
	duck.TypeHugeInt: 50, duck.TypeUUID: 54, duck.TypeGeometry: 60, duck.TypeStruct: 100, duck.TypeList: 101, duck.TypeMap: 102,
	duck.TypeEnum: 104, duck.TypeUnion: 107, duck.TypeArray: 108, duck.TypeVariant: 109,
}

// Kinds of what a type has beside its number.
const (
	infoAlias   = 1
	infoDecimal = 2
	infoList    = 4
	infoStruct  = 5
	infoEnum    = 6
	infoArray   = 9
)

// Unknown is the type of a column, or of a part of it, that has no number here; "": each has one.
func Unknown(n *duck.Node) (unknown string) {
	if typeIDs[n.ID] == 0 {
		return string(n.Type)
	}
	for _, c := range n.Children {
		if unknown = Unknown(c); unknown != "" {
			return unknown
		}
	}
	return ""
}

// Type writes a type.
func (w *Writer) Type(n *duck.Node) {
	w.Field(100)
	w.Uint(typeIDs[n.ID])
	switch n.ID {
	case duck.TypeJSON:
		w.info(infoAlias)
		w.Field(101)
		w.Text("JSON")
	case duck.TypeDecimal:
		w.info(infoDecimal)
		w.Field(200)
		w.Uint(uint64(n.Width))
		if n.Scale > 0 {
			w.Field(201)
			w.Uint(uint64(n.Scale))
		}
	case duck.TypeList, duck.TypeMap:
		w.info(infoList)
		w.Field(200)
		w.Type(n.Children[0])
	case duck.TypeArray:
		w.info(infoArray)
		w.Field(200)
		w.Type(n.Children[0])
		w.Field(201)
		w.Uint(uint64(n.Length))
	case duck.TypeEnum:
		w.info(infoEnum)
		w.Field(200)
		w.Uint(uint64(len(n.Labels)))
		w.Field(201)
		w.Uint(uint64(len(n.Labels)))
		for _, l := range n.Labels {
			w.Text(l)
		}
	case duck.TypeStruct, duck.TypeUnion, duck.TypeVariant:
		w.info(infoStruct)
		w.Field(200)
		w.Uint(uint64(len(n.Children)))
		for _, c := range n.Children {
			w.Field(0)
			w.Text(c.Name)
			w.Field(1)
			w.Type(c)
			w.End()
		}
	default:
		w.End()
		return
	}
	w.End()
	w.End()
}

// info begins what a type has beside its number.
func (w *Writer) info(kind uint64) {
	w.Field(101)
	w.Bool(true) // there is one
	w.Field(100)
	w.Uint(kind)
}

// Types writes a list of types.
func (w *Writer) Types(columns []*duck.Node) {
	w.Uint(uint64(len(columns)))
	for _, n := range columns {
		w.Type(n)
	}
}

// Chunk writes rows, as an element of a list of chunks. types are those of the columns, as Types writes them.
func (w *Writer) Chunk(rows int, types []byte, columns []duck.View) {
	w.Bool(true) // no null pointer
	w.Field(300)
	w.Field(100)
	w.Uint(uint64(rows))
	w.Field(101)
	w.B = append(w.B, types...)
	w.Field(102)
	w.Uint(uint64(len(columns)))
	for i := range columns {
		w.vector(&columns[i])
	}
	w.End()
	w.End()
}

// vector writes the values of a vector, and of all below it.
func (w *Writer) vector(v *duck.View) {
	if v.Node.ID == duck.TypeGeometry {
		w.Field(99) // of the form of its bytes
		w.Uint(1)
	}
	valid := v.Validity()
	w.Field(100)
	if w.Bool(valid != nil); valid != nil {
		w.Field(101)
		w.Uint(uint64(8 * len(valid)))
		for _, bits := range valid {
			w.B = binary.LittleEndian.AppendUint64(w.B, bits)
		}
	}
	switch v.Node.ID {
	case duck.TypeVarchar, duck.TypeJSON, duck.TypeBlob, duck.TypeBit, duck.TypeBigNum, duck.TypeGeometry:
		w.texts(v, valid)
	case duck.TypeStruct, duck.TypeUnion, duck.TypeVariant:
		w.Field(103)
		w.Uint(uint64(len(v.Parts)))
		for i := range v.Parts {
			w.vector(&v.Parts[i])
		}
	case duck.TypeList, duck.TypeMap:
		w.lists(v, valid)
	case duck.TypeArray:
		w.Field(103)
		w.Uint(uint64(v.Node.Length))
		w.Field(104)
		w.vector(&v.Parts[0])
	default:
		w.Field(102)
		w.Bytes(v.Bytes())
	}
	w.End()
}

func null(valid []uint64, i int) bool { return valid != nil && valid[i>>6]>>(i&63)&1 == 0 }

func (w *Writer) texts(v *duck.View, valid []uint64) {
	w.Field(102)
	w.Uint(uint64(v.N))
	texts := v.Texts()
	for i := range texts {
		if null(valid, i) { // what stands there points anywhere
			w.B = append(w.B, 0)
			continue
		}
		b := texts[i].Bytes()
		if len(b) < 0x80 {
			w.B = append(w.B, byte(len(b)))
			w.B = append(w.B, b...)
			continue
		}
		w.Bytes(b)
	}
}

func (w *Writer) lists(v *duck.View, valid []uint64) {
	elements := &v.Parts[0]
	w.Field(104)
	w.Uint(uint64(elements.N))
	w.Field(105)
	w.Uint(uint64(v.N))
	for i, s := range v.Spans() {
		if null(valid, i) {
			s = [2]uint64{}
		}
		w.Field(100)
		w.Uint(s[0])
		w.Field(101)
		w.Uint(s[1])
		w.End()
	}
	w.Field(106)
	w.vector(elements)
}
