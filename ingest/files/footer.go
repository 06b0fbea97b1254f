package files

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// What a column of Parquet means stands in the file's footer alone (thrift, compact protocol). Under another meaning DuckDB's reader gives
// what it would else cut or refuse: the schema of a footer is rewritten here, and all else left as it is.

// rawKinds say which columns are to be read as they are stored.
type rawKinds struct {
	times bool // nanoseconds with a zone: without one; INT96: its 12 bytes
	texts bool // their bytes
}

const (
	typeInt64, typeInt96, typeBytes, typeFixed = 2, 3, 6, 7 // of format::Type

	elementType, elementLength, elementConverted, elementLogical = 1, 2, 6, 10 // fields of SchemaElement

	wireTrue, wireFalse, wireByte, wireI16, wireI32, wireI64, wireDouble, wireBinary, wireList, wireSet, wireStruct = 1, 2, 3, 4, 5, 6, 7, 8,
		9, 10, 12
)

// nanosWithoutZone is LogicalType{TIME or TIMESTAMP: {isAdjustedToUTC: false, unit: {NANOS: {}}}}.
func nanosWithoutZone(id int) []byte {
	return []byte{byte(id)<<4 | wireStruct, 1<<4 | wireFalse, 1<<4 | wireStruct, 3<<4 | wireStruct, 0, 0, 0, 0}
}

var errFooter = errors.New("its footer isn't one of Parquet")

// thrift reads values of the compact protocol; bad is set where it can't.
type thrift struct {
	data []byte
	at   int
	bad  bool
}

func (t *thrift) byte() byte {
	if t.at >= len(t.data) {
		t.bad = true
		return 0
	}
	t.at++
	return t.data[t.at-1]
}

func (t *thrift) varint() uint64 {
	v, n := binary.Uvarint(t.data[min(t.at, len(t.data)):])
	if n <= 0 {
		t.bad = true
		return 0
	}
	t.at += n
	return v
}

func (t *thrift) pass(n uint64) {
	if t.bad || n > uint64(len(t.data)-t.at) {
		t.bad = true
		return
	}
	t.at += int(n)
}

// header is a field's: its type is 0 at the end of a struct.
func (t *thrift) header(last int) (id int, wire byte) {
	b := t.byte()
	if b == 0 || t.bad {
		return 0, 0
	}
	if b>>4 == 0 {
		z := t.varint()
		return int(int64(z>>1) ^ -int64(z&1)), b & 15
	}
	return last + int(b>>4), b & 15
}

func (t *thrift) list() (n uint64, wire byte) {
	b := t.byte()
	if n = uint64(b >> 4); n == 15 {
		n = t.varint()
	}
	return n, b & 15
}

// skip passes over a value. A BOOLEAN of a struct is in its header, one of a list a byte.
func (t *thrift) skip(wire byte, depth int) {
	if depth > 64 {
		t.bad = true
	}
	if t.bad {
		return
	}
	switch wire {
	case wireTrue, wireFalse:
	case wireByte:
		t.pass(1)
	case wireI16, wireI32, wireI64:
		t.varint()
	case wireDouble:
		t.pass(8)
	case wireBinary:
		t.pass(t.varint())
	case wireList, wireSet:
		n, of := t.list()
		if of == wireTrue || of == wireFalse {
			t.pass(n)
			return
		}
		for ; n > 0 && !t.bad; n-- {
			t.skip(of, depth+1)
		}
	case wireStruct:
		for id, w := t.header(0); w != 0; id, w = t.header(id) {
			t.skip(w, depth+1)
		}
	default: // a footer has no maps
		t.bad = true
	}
}

// thriftField is a field of a struct as it was read.
type thriftField struct {
	id    int
	wire  byte
	value []byte
}

// fields are those of the struct that follows.
func (t *thrift) fields() (out []thriftField) {
	for id, w := t.header(0); w != 0; id, w = t.header(id) {
		from := t.at
		if t.skip(w, 0); t.bad {
			return nil
		}
		out = append(out, thriftField{id, w, t.data[from:t.at]})
	}
	return out
}

func fieldOf(fields []thriftField, id int) *thriftField {
	for i := range fields {
		if fields[i].id == id {
			return &fields[i]
		}
	}
	return nil
}

// inside are the fields of a struct that is a field.
func (f *thriftField) inside(id int) *thriftField {
	if f == nil || f.wire != wireStruct {
		return nil
	}
	return fieldOf((&thrift{data: f.value}).fields(), id)
}

func (f *thriftField) number() int {
	if f == nil || f.wire != wireI32 {
		return -1
	}
	z := (&thrift{data: f.value}).varint()
	return int(int64(z>>1) ^ -int64(z&1))
}

func appendThrift(out []byte, fields []thriftField) []byte {
	last := 0
	for _, f := range fields {
		if d := f.id - last; d > 0 && d < 16 {
			out = append(out, byte(d)<<4|f.wire)
		} else {
			out = binary.AppendUvarint(append(out, f.wire), uint64(f.id)<<1)
		}
		out, last = append(out, f.value...), f.id
	}
	return append(out, 0)
}

// meaning is a SchemaElement of another type.
func meaning(e []thriftField, typ, length int, logical []byte) (out []thriftField) {
	for _, f := range e {
		switch f.id {
		case elementLogical, elementConverted, elementLength:
		case elementType:
			if out = append(out, thriftField{elementType, wireI32, []byte{byte(typ << 1)}}); length > 0 {
				out = append(out, thriftField{elementLength, wireI32, []byte{byte(length << 1)}})
			}
		default:
			out = append(out, f)
		}
	}
	if logical != nil {
		out = append(out, thriftField{elementLogical, wireStruct, logical})
	}
	return out
}

// raw is a SchemaElement as what is stored.
func (k rawKinds) raw(e []thriftField) []thriftField {
	switch fieldOf(e, elementType).number() {
	case typeInt96:
		if k.times {
			return meaning(e, typeFixed, 12, nil)
		}
	case typeInt64:
		for _, id := range []int{7, 8} { // TIME, TIMESTAMP
			of := fieldOf(e, elementLogical).inside(id)
			if zone, nanos := of.inside(1), of.inside(2).inside(3); k.times && zone != nil && zone.wire == wireTrue && nanos != nil {
				return meaning(e, typeInt64, 0, nanosWithoutZone(id))
			}
		}
	case typeBytes:
		if k.texts {
			return meaning(e, typeBytes, 0, nil)
		}
	}
	return e
}

// rewriteSchema changes the schema's elements in FileMetaData.
func rewriteSchema(data []byte, change func([]thriftField) []thriftField) ([]byte, error) {
	t := &thrift{data: data}
	id, w := t.header(0)
	for ; w != 0 && id != 2; id, w = t.header(id) {
		t.skip(w, 0)
	}
	n, of := t.list()
	if t.bad || w != wireList || of != wireStruct || n > uint64(len(data)) {
		return nil, errFooter
	}
	out := append([]byte(nil), data[:t.at]...)
	for ; n > 0; n-- {
		e := t.fields()
		if t.bad {
			return nil, errFooter
		}
		out = appendThrift(out, change(e))
	}
	return append(out, data[t.at:]...), nil
}

// copyParquet writes a file of Parquet with another schema.
func copyParquet(to, from *os.File, change func([]thriftField) []thriftField) error {
	info, err := from.Stat()
	if err != nil {
		return err
	}
	var end [8]byte
	if _, err := from.ReadAt(end[:], max(info.Size()-8, 0)); err != nil || string(end[4:]) != "PAR1" {
		return errFooter
	}
	size := int64(binary.LittleEndian.Uint32(end[:4]))
	if size > info.Size()-12 {
		return errFooter
	}
	old := make([]byte, size)
	if _, err := from.ReadAt(old, info.Size()-8-size); err != nil {
		return err
	}
	footer, err := rewriteSchema(old, change)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, io.LimitReader(from, info.Size()-8-size)); err != nil { // by the file system itself, where it can
		return err
	}
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	_, err = to.Write(append(footer, "PAR1"...))
	return err
}
