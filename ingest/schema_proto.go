package ingest

import "google.golang.org/protobuf/encoding/protowire"

// protoType is what the wire format adds to a type.
type protoType struct {
	wire    protowire.Type
	zigzag  bool
	boxed   *schemaType      // the value is field 1 of a message, of this type: google.protobuf's wrappers, Struct and ListValue
	dynamic bool             // google.protobuf.Value: the branch is the field that is there
	key     *schemaType      // of a map
	names   map[int64][]byte // an enum's, by number
	index   *fieldIndex      // of a message
	oneofs  int
}

// fieldIndex finds fields by their numbers: which of the message's it is, and 1. Numbers are small nearly always.
type fieldIndex struct {
	low  [64]int32
	high map[protowire.Number]int32
}

func (x *fieldIndex) put(n protowire.Number, i int) {
	if int(n) < len(x.low) {
		x.low[n] = int32(i) + 1
		return
	}
	if x.high == nil {
		x.high = map[protowire.Number]int32{}
	}
	x.high[n] = int32(i) + 1
}

// get is -1 for a number that no field has.
func (x *fieldIndex) get(n protowire.Number) int32 {
	if int(n) < len(x.low) {
		return x.low[n] - 1
	}
	return x.high[n] - 1
}

// protoField is what Protocol Buffers add to a field.
type protoField struct {
	jsonName string
	absent   absence
	oneof    int // 1 and up; 0 for none
}

// absence is what a field that isn't there means.
type absence uint8

const (
	absentZero  absence = iota // a field without presence isn't written when it is zero, or without elements
	absentNull                 // optional fields, messages, fields of a oneof
	absentError                // required
)
