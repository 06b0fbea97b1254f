package ingest

import (
	"encoding/binary"
	"fmt"
)

// schemaName is how a record names a schema: by its number in the registry, or by its GUID, which is the same in all of them.
type schemaName struct {
	id     uint32
	guid   [16]byte
	byGUID bool
}

func (n schemaName) String() string {
	if n.byGUID {
		return "GUID " + n.hex()
	}
	return fmt.Sprintf("id %d", n.id)
}

// hex is the GUID as it is written.
func (n schemaName) hex() string {
	g := n.guid[:]
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[:4], g[4:6], g[6:8], g[8:10], g[10:])
}

// Confluent's serialisers name the schema in front of the bytes that they write, or in a header of the record.
const (
	keySchemaHeader   = "__key_schema_id"
	valueSchemaHeader = "__value_schema_id"
)

// schemaID reads what stands before a value: a zero, the schema's number in four bytes big-endian.
func schemaID(value []byte) (uint32, bool) {
	if len(value) < 5 || value[0] != 0 {
		return 0, false
	}
	return binary.BigEndian.Uint32(value[1:]), true
}

// schemaHeader reads what stands in a header: the same, or a one and the schema's GUID. rest is what follows.
func schemaHeader(header []byte) (n schemaName, rest []byte, ok bool) {
	if len(header) >= 17 && header[0] == 1 {
		return schemaName{guid: [16]byte(header[1:17]), byGUID: true}, header[17:], true
	}
	id, ok := schemaID(header)
	if !ok {
		return schemaName{}, nil, false
	}
	return schemaName{id: id}, header[5:], true
}

// named finds the schema of a value: in its record's header, where that has one, else in front of it. rest is what stands behind the name.
// It is false where there is none: why says so then.
func (d *schemaDecoder) named(value, header []byte) (n schemaName, rest []byte, ok bool) {
	d.head, d.why = 0, ""
	if header != nil {
		if n, rest, ok = schemaHeader(header); !ok {
			d.nameless(fmt.Sprintf("the header for it has the %d bytes %x", len(header), header[:min(len(header), excerptBytes)]))
		}
		return n, rest, ok
	}
	id, ok := schemaID(value)
	switch {
	case ok:
		d.head = 5
		return schemaName{id: id}, value[5:], true
	case len(value) < 5:
		d.nameless(fmt.Sprintf("%d bytes", len(value)))
	default:
		d.nameless("it begins with " + excerpt(value[:5], true) + ", not with a zero byte")
	}
	return n, nil, false
}

// surplus is why for what follows the name of a schema in a header.
func (d *schemaDecoder) surplus(rest []byte) {
	if len(rest) > 0 && d.why == "" {
		d.nameless(fmt.Sprintf("%d bytes follow it in its header", len(rest)))
	}
}

func (d *schemaDecoder) nameless(why string) { d.why = "no " + d.format + " with a schema id: " + why }

// plainJSON is the value without the five bytes that serialisers with a schema registry put before the text: a zero, which no JSON
// begins with, and the schema's number.
func plainJSON(value []byte) []byte {
	if len(value) > 5 && value[0] == 0 && binary.BigEndian.Uint32(value[1:]) > 0 {
		return value[5:]
	}
	return value
}
