package duck

import (
	"strings"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// TypeID is which of DuckDB's types one is, whatever its parameters.
type TypeID uint8

// The types of DuckDB. In brackets what Put takes of those that a chunk can hold; times count from 1970-01-01 00:00 UTC.
const (
	TypeBoolean     TypeID = iota + 1 // (bool)
	TypeTinyInt                       // (int8)
	TypeSmallInt                      // (int16)
	TypeInteger                       // (int32)
	TypeBigInt                        // (int64)
	TypeHugeInt                       // (Int128)
	TypeUTinyInt                      // (uint8)
	TypeUSmallInt                     // (uint16)
	TypeUInteger                      // (uint32)
	TypeUBigInt                       // (uint64)
	TypeUHugeInt                      // (Int128, unsigned)
	TypeBigNum                        //
	TypeFloat                         // (float32)
	TypeDouble                        // (float64)
	TypeDecimal                       // the value times 10^Scale as int16, int32, int64 or Int128 for a Width up to 4, 9, 18, 38
	TypeVarchar                       // PutBytes, UTF-8
	TypeJSON                          // PutBytes, JSON text
	TypeBlob                          // PutBytes
	TypeDate                          // days (int32)
	TypeTime                          // microseconds since midnight (int64)
	TypeTimeNS                        //
	TypeTimeTZ                        //
	TypeTimestamp                     // microseconds (int64)
	TypeTimestampS                    // seconds (int64)
	TypeTimestampMS                   // milliseconds (int64)
	TypeTimestampNS                   // nanoseconds (int64)
	TypeTimestampTZ                   // microseconds (int64)
	TypeInterval                      //
	TypeUUID                          // (Int128), the first bit turned
	TypeEnum                          // the index of the label as uint8, uint16 or uint32, by Size
	TypeBit                           //
	TypeGeometry                      //
	TypeVariant                       //
	TypeNull                          // of a NULL that nothing gives a type
	TypeStruct                        // nothing itself; Children are its fields
	TypeList                          // PutList; the child's elements by Chunk.Append
	TypeMap                           // as a list of STRUCT(key, value)
	TypeArray                         //
	TypeUnion                         //
)

// class is what types have in common that are dealt with alike.
type class uint8

const (
	other class = iota
	integer
	float
	number // any other
	temporal
	nested
)

// info is what is known of a type. Its size is that of a value in a vector's data: 0 where parameters say it, below 0 where values are
// read, but chunks don't hold them to write.
type info struct {
	id    TypeID
	raw   bindings.Type
	name  string // as DuckDB writes it
	also  string // the other names that DuckDB has for it
	class class
	size  int
	// of the widest value: INTEGER has 31 bits, the mantissa of DOUBLE 53
	bits, digits int
}

// notHeld is the size of a type without data of its own that chunks don't hold.
const notHeld = -1

// types by TypeID.
var types = [...]info{
	{},
	{TypeBoolean, bindings.TypeBoolean, "BOOLEAN", "BOOL LOGICAL", other, 1, 0, 0},
	{TypeTinyInt, bindings.TypeTinyInt, "TINYINT", "INT1", integer, 1, 7, 3},
	{TypeSmallInt, bindings.TypeSmallInt, "SMALLINT", "INT2 INT16 SHORT", integer, 2, 15, 5},
	{TypeInteger, bindings.TypeInteger, "INTEGER", "INT INT4 INT32 INTEGRAL SIGNED", integer, 4, 31, 10},
	{TypeBigInt, bindings.TypeBigInt, "BIGINT", "INT8 INT64 LONG OID", integer, 8, 63, 19},
	{TypeHugeInt, bindings.TypeHugeInt, "HUGEINT", "INT128", integer, 16, 127, 39},
	{TypeUTinyInt, bindings.TypeUTinyInt, "UTINYINT", "UINT8", integer, 1, 8, 3},
	{TypeUSmallInt, bindings.TypeUSmallInt, "USMALLINT", "UINT16", integer, 2, 16, 5},
	{TypeUInteger, bindings.TypeUInteger, "UINTEGER", "UINT32", integer, 4, 32, 10},
	{TypeUBigInt, bindings.TypeUBigInt, "UBIGINT", "UINT64", integer, 8, 64, 20},
	{TypeUHugeInt, bindings.TypeUHugeInt, "UHUGEINT", "UINT128", integer, 16, 128, 39},
	{TypeBigNum, bindings.TypeBigNum, "BIGNUM", "VARINT", number, -16, 0, 0},
	{TypeFloat, bindings.TypeFloat, "FLOAT", "FLOAT4 REAL", float, 4, 24, 0},
	{TypeDouble, bindings.TypeDouble, "DOUBLE", "FLOAT8", float, 8, 53, 0},
	{TypeDecimal, bindings.TypeDecimal, "DECIMAL", "DEC NUMERIC", number, 0, 0, 0},
	{TypeVarchar, bindings.TypeVarchar, "VARCHAR", "BPCHAR CHAR CHARACTER NVARCHAR STRING TEXT", other, 16, 0, 0},
	{TypeJSON, bindings.TypeInvalid, "JSON", "", other, 16, 0, 0}, // a VARCHAR by another name
	{TypeBlob, bindings.TypeBlob, "BLOB", "BINARY BYTEA VARBINARY", other, 16, 0, 0},
	{TypeDate, bindings.TypeDate, "DATE", "", temporal, 4, 0, 0},
	{TypeTime, bindings.TypeTime, "TIME", "", temporal, 8, 0, 0},
	{TypeTimeNS, bindings.TypeTimeNS, "TIME_NS", "", temporal, -8, 0, 0},
	{TypeTimeTZ, bindings.TypeTimeTZ, "TIME WITH TIME ZONE", "TIMETZ", temporal, -8, 0, 0},
	{TypeTimestamp, bindings.TypeTimestamp, "TIMESTAMP", "DATETIME TIMESTAMP_US", temporal, 8, 0, 0},
	{TypeTimestampS, bindings.TypeTimestampS, "TIMESTAMP_S", "", temporal, 8, 0, 0},
	{TypeTimestampMS, bindings.TypeTimestampMS, "TIMESTAMP_MS", "", temporal, 8, 0, 0},
	{TypeTimestampNS, bindings.TypeTimestampNS, "TIMESTAMP_NS", "", temporal, 8, 0, 0},
	{TypeTimestampTZ, bindings.TypeTimestampTZ, "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ", temporal, 8, 0, 0},
	{TypeInterval, bindings.TypeInterval, "INTERVAL", "", temporal, -16, 0, 0},
	{TypeUUID, bindings.TypeUUID, "UUID", "GUID", other, 16, 0, 0},
	{TypeEnum, bindings.TypeEnum, "ENUM", "", other, 0, 0, 0},
	{TypeBit, bindings.TypeBit, "BIT", "BITSTRING", other, -16, 0, 0},
	{TypeGeometry, bindings.TypeGeometry, "GEOMETRY", "", other, -16, 0, 0},
	{TypeVariant, bindings.TypeVariant, "VARIANT", "", other, notHeld, 0, 0},
	{TypeNull, bindings.TypeSQLNull, `"NULL"`, "NULL", other, -4, 0, 0},
	{TypeStruct, bindings.TypeStruct, "STRUCT", "ROW", nested, 0, 0, 0},
	{TypeList, bindings.TypeList, "LIST", "", nested, 16, 0, 0},
	{TypeMap, bindings.TypeMap, "MAP", "", nested, 16, 0, 0},
	{TypeArray, bindings.TypeArray, "ARRAY", "", nested, notHeld, 0, 0},
	{TypeUnion, bindings.TypeUnion, "UNION", "", nested, notHeld, 0, 0},
}

// typesByName has names in upper case, typesByRaw what the driver calls them.
var typesByName, typesByRaw = func() (map[string]TypeID, map[bindings.Type]TypeID) {
	names, raws := map[string]TypeID{}, map[bindings.Type]TypeID{}
	for _, t := range types[1:] {
		names[t.name] = t.id
		for _, n := range strings.Fields(t.also) {
			names[n] = t.id
		}
		if t.raw != bindings.TypeInvalid {
			raws[t.raw] = t.id
		}
	}
	return names, raws
}()

// unsigned integers have no bit for the sign.
func (t *info) unsigned() bool { return t.class == integer && t.bits == 8*t.size }

// parametric types are more than a name.
func (id TypeID) parametric() bool { return id.Nested() || id == TypeDecimal || id == TypeEnum }

// String is the name without parameters.
func (id TypeID) String() string { return types[id].name }

// Integer says whether its values are whole numbers of a fixed width.
func (id TypeID) Integer() bool { return types[id].class == integer }

// Bounds are the least and the greatest value of integers narrower than BIGINT.
func (id TypeID) Bounds() (lo, hi int64, ok bool) {
	t := &types[id]
	switch {
	case t.class != integer || t.bits > 32:
		return 0, 0, false
	case t.unsigned():
		return 0, 1<<t.bits - 1, true
	}
	return -1 << t.bits, 1<<t.bits - 1, true
}

// Float says whether its values are rounded to a number of bits.
func (id TypeID) Float() bool { return types[id].class == float }

// Number says whether its values are numbers of any kind.
func (id TypeID) Number() bool {
	c := types[id].class
	return c == integer || c == float || c == number
}

// Temporal says whether its values are times, dates or spans of them.
func (id TypeID) Temporal() bool { return types[id].class == temporal }

// Nested says whether its values have parts.
func (id TypeID) Nested() bool { return types[id].class == nested }
