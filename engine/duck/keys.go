package duck

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"slices"
	"unsafe"

	"dsql/sql"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Key is what is left of the values of some columns: 88 bits of two hashes with secret seeds, so that two rows with one Key have the same
// values but for one chance in 10^26, which nobody can bring about. NULL equals nothing, and has no Key.
type Key struct {
	Hash uint64
	Tag  uint32 // 24 bits
}

// Keys makes keys. Values that are equal in SQL have equal ones: integers of all widths alike, all else where it is of one type.
type Keys struct {
	seeds [2]maphash.Seed
	buf   []byte
}

// NewKeys has seeds of its own.
func NewKeys() *Keys { return &Keys{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}} }

// Copy makes the same keys; one is used by one goroutine at a time.
func (k *Keys) Copy() *Keys { return &Keys{seeds: k.seeds} }

// Keyable says that a Key can tell whether a value of a column equals one of another type. Those that are equal in other ways than by
// their bytes (0.0 and -0.0, intervals) have none.
func Keyable(column, value Type) bool {
	a, b := column.Shape(), value.Shape()
	if short(a.ID) && short(b.ID) {
		return true
	}
	return column == value && slices.Contains([]TypeID{TypeBoolean, TypeHugeInt, TypeUHugeInt, TypeDecimal, TypeVarchar, TypeBlob, TypeDate,
		TypeTime,
		TypeTimestamp, TypeTimestampS, TypeTimestampMS, TypeTimestampNS, TypeTimestampTZ, TypeUUID}, a.ID)
}

// short: an integer of up to 64 bits.
func short(t TypeID) bool { return types[t].class == integer && types[t].size <= 8 }

// keyed is a column of rows that get keys.
type keyed struct {
	printed
	id   TypeID
	size uintptr
}

// of is the key of a row; ok is false where a column is NULL.
func (k *Keys) of(cols []keyed, row int) (_ Key, ok bool) {
	b := k.buf[:0]
	for _, c := range cols {
		if c.valid != nil && *(*uint64)(unsafe.Add(c.valid, row>>6<<3))>>(row&63)&1 == 0 {
			return Key{}, false
		}
		at := unsafe.Add(c.data, uintptr(row)*c.size)
		switch {
		case c.id == TypeVarchar || c.id == TypeBlob:
			text, _ := c.text(row)
			b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
			b = append(b, text...)
		case c.size == 16:
			b = append(b, unsafe.Slice((*byte)(at), 16)...)
		default:
			b = binary.LittleEndian.AppendUint64(b, word(at, c.size, types[c.id].unsigned()))
		}
	}
	k.buf = b
	return Key{maphash.Bytes(k.seeds[0], b), uint32(maphash.Bytes(k.seeds[1], b) >> 40)}, true
}

// word is a value of up to 8 bytes.
func word(at unsafe.Pointer, size uintptr, unsigned bool) uint64 {
	switch {
	case size == 8:
		return *(*uint64)(at)
	case size == 4 && unsigned:
		return uint64(*(*uint32)(at))
	case size == 4:
		return uint64(int64(*(*int32)(at)))
	case size == 2 && unsigned:
		return uint64(*(*uint16)(at))
	case size == 2:
		return uint64(int64(*(*int16)(at)))
	case unsigned:
		return uint64(*(*uint8)(at))
	}
	return uint64(int64(*(*int8)(at)))
}

// Key is that of some of a chunk's columns in a row.
func (k *Keys) Key(c *Chunk, columns []*Node, row int) (Key, bool) {
	cols := make([]keyed, 0, 4)
	for _, n := range columns {
		v := &c.Vecs[n.Vec]
		cols = append(cols, keyed{printed{v.data, v.valid}, n.ID, n.Size})
	}
	return k.of(cols, row)
}

// Each gives the keys of a query's rows to f, each with the rowid in the last column. Rows that have none are left out.
func (k *Keys) Each(ctx context.Context, c *Conn, q *Query, f func(Key, int64)) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer c.traced(q.Text)(&err)
	defer c.watch(ctx)()
	st, err := c.Prepare(q, sql.Place{})
	if err != nil {
		return err
	}
	defer st.Close()
	var res bindings.Result
	defer bindings.DestroyResult(&res)
	if err := stream(st.st, &res); err != nil {
		return err
	}
	for {
		chunk, rows, err := fetch(ctx, st.st, &res)
		if rows == 0 {
			return errors.Join(ctx.Err(), err)
		}
		k.chunk(chunk, f)
		bindings.DestroyDataChunk(&chunk)
	}
}

func (k *Keys) chunk(chunk bindings.DataChunk, f func(Key, int64)) {
	rows := int(bindings.DataChunkGetSize(chunk))
	n := int(bindings.DataChunkGetColumnCount(chunk)) - 1
	cols := make([]keyed, n)
	for i := range cols {
		v := bindings.DataChunkGetVector(chunk, bindings.IdxT(i))
		t := bindings.VectorGetColumnType(v)
		cols[i] = keyed{printed{bindings.VectorGetData(v), bindings.VectorGetValidity(v)}, typesByRaw[bindings.GetTypeId(t)], 0}
		if cols[i].size = uintptr(types[cols[i].id].size); cols[i].id == TypeDecimal {
			cols[i].size = sizeOf(bindings.DecimalInternalType(t))
		}
		bindings.DestroyLogicalType(&t)
	}
	rowids := unsafe.Slice((*int64)(bindings.VectorGetData(bindings.DataChunkGetVector(chunk, bindings.IdxT(n)))), rows)
	for r, id := range rowids {
		if key, ok := k.of(cols, r); ok {
			f(key, id)
		}
	}
}
