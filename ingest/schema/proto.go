package schema

import "google.golang.org/protobuf/encoding/protowire"

// Proto is what the wire format adds to a type.
type Proto struct {
	Wire    protowire.Type
	Zigzag  bool
	Boxed   *Type            // the value is field 1 of a message, of this type: google.protobuf's wrappers, Struct and ListValue
	Dynamic bool             // google.protobuf.Value: the branch is the field that is there
	Key     *Type            // of a map
	Names   map[int64][]byte // an enum's, by number
	Index   *FieldIndex      // of a message
	Oneofs  int
}

// FieldIndex finds fields by their numbers: which of the message's it is, and 1. Numbers are small nearly always.
type FieldIndex struct {
	low  [64]int32
	high map[protowire.Number]int32
}

func (x *FieldIndex) Put(n protowire.Number, i int) {
	if int(n) < len(x.low) {
		x.low[n] = int32(i) + 1
		return
	}
	if x.high == nil {
		x.high = map[protowire.Number]int32{}
	}
	x.high[n] = int32(i) + 1
}

// Get is -1 for a number that no field has.
func (x *FieldIndex) Get(n protowire.Number) int32 {
	if int(n) < len(x.low) {
		return x.low[n] - 1
	}
	return x.high[n] - 1
}

// ProtoField is what Protocol Buffers add to a field.
type ProtoField struct {
	JSONName string
	Absent   absence
	Oneof    int // 1 and up; 0 for none
}

// absence is what a field that isn't there means.
type absence uint8

const (
	AbsentZero  absence = iota // a field without presence isn't written when it is zero, or without elements
	AbsentNull                 // optional fields, messages, fields of a oneof
	AbsentError                // required
)
