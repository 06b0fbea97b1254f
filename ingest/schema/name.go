package schema

import (
	"encoding/binary"
	"fmt"
)

// Name is how a record names a schema: by its number in the registry, or by its GUID, which is the same in all of them.
type Name struct {
	ID     uint32
	guid   [16]byte
	ByGUID bool
}

func (n Name) String() string {
	if n.ByGUID {
		return "GUID " + n.Hex()
	}
	return fmt.Sprintf("id %d", n.ID)
}

// Hex is the GUID as it is written.
func (n Name) Hex() string {
	g := n.guid[:]
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[:4], g[4:6], g[6:8], g[8:10], g[10:])
}

// Confluent's serialisers name the schema in front of the bytes that they write, or in a header of the record.
const (
	KeyHeader   = "__key_schema_id"
	ValueHeader = "__value_schema_id"
)

// ID reads what stands before a value: a zero, the schema's number in four bytes big-endian.
func ID(value []byte) (uint32, bool) {
	if len(value) < 5 || value[0] != 0 {
		return 0, false
	}
	return binary.BigEndian.Uint32(value[1:]), true
}

// IDOfHeader reads what stands in a header: the same, or a one and the schema's GUID. rest is what follows.
func IDOfHeader(header []byte) (n Name, rest []byte, ok bool) {
	if len(header) >= 17 && header[0] == 1 {
		return Name{guid: [16]byte(header[1:17]), ByGUID: true}, header[17:], true
	}
	id, ok := ID(header)
	if !ok {
		return Name{}, nil, false
	}
	return Name{ID: id}, header[5:], true
}

// Unframed is the value without the five bytes that serialisers with a schema registry put before the text: a zero, which no JSON
// begins with, and the schema's number.
func Unframed(value []byte) []byte {
	if len(value) > 5 && value[0] == 0 && binary.BigEndian.Uint32(value[1:]) > 0 {
		return value[5:]
	}
	return value
}
