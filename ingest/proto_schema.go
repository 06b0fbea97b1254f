package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Schemas of Protocol Buffers (proto2, proto3 and editions, as protocompile reads them) become the same types as those of Avro: a
// message a record, a repeated field an array. What of google.protobuf's messages stands for a plain value is that value: wrappers, a
// Timestamp, a Duration, and a Struct is the object that it means.

// confluentImports are the files that Confluent's serialisers import, and no registry gives.
var confluentImports = map[string]string{
	"confluent/meta.proto": `syntax = "proto3"; package confluent; import "google/protobuf/descriptor.proto";
		message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
		extend google.protobuf.FileOptions { Meta file_meta = 1088; } extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
		extend google.protobuf.FieldOptions { Meta field_meta = 1088; } extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
		extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }`,
	"confluent/type/decimal.proto": `syntax = "proto3"; package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`,
}

// parseProto compiles the text of a schema; references are the texts of the files that it imports, by the names it imports them by.
func parseProto(ctx context.Context, text string, references map[string]string) (protoreflect.FileDescriptor, error) {
	const name = "the schema"
	files := map[string]string{}
	for _, m := range []map[string]string{confluentImports, references, {name: text}} {
		for k, v := range m {
			files[k] = v
		}
	}
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(files)}), MaxParallelism: 1}
	out, err := c.Compile(ctx, name)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// message finds the type that a list of numbers leads to: of the file's messages, then of those inside.
func message(file protoreflect.FileDescriptor, path []int) (protoreflect.MessageDescriptor, error) {
	var in interface {
		Messages() protoreflect.MessageDescriptors
	} = file
	for _, i := range path {
		if i >= in.Messages().Len() {
			return nil, fmt.Errorf("it has no message %v", path)
		}
		in = in.Messages().Get(i)
	}
	m, ok := in.(protoreflect.MessageDescriptor)
	if !ok {
		return nil, errors.New("it has no message without a number")
	}
	return m, nil
}

// protoTypes makes types of messages, one of each.
type protoTypes map[protoreflect.FullName]*schemaType

// message is the type of a message's values.
func (all protoTypes) message(m protoreflect.MessageDescriptor) *schemaType {
	name := m.FullName()
	if t := all[name]; t != nil {
		return t
	}
	t := &schemaType{kind: kindRecord, name: string(name),
		proto: protoType{wire: protowire.BytesType, index: &fieldIndex{}, oneofs: m.Oneofs().Len()}}
	all[name] = t
	fields := m.Fields()
	switch name {
	case "google.protobuf.Timestamp", "google.protobuf.Duration":
		t.kind, t.logical, t.scale = kindMoment, logicalTimestamp, 9
		if name == "google.protobuf.Duration" {
			t.logical = logicalDuration
		}
		return t
	case "confluent.type.Decimal":
		t.kind, t.logical, t.precision = kindBytes, logicalDecimal, math.MaxInt32
		return t
	case "google.protobuf.Value":
		t.kind, t.proto.dynamic = kindUnion, true
	case "google.protobuf.DoubleValue", "google.protobuf.FloatValue", "google.protobuf.Int64Value", "google.protobuf.UInt64Value",
		"google.protobuf.Int32Value",
		"google.protobuf.UInt32Value", "google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.BytesValue",
		"google.protobuf.Struct", "google.protobuf.ListValue":
		inside := all.field(fields.Get(0))
		*t = *inside
		t.proto.boxed, t.proto.wire = inside, protowire.BytesType
		return t
	}
	for i := range fields.Len() {
		f := fields.Get(i)
		t.proto.index.put(f.Number(), i)
		if t.proto.dynamic {
			if t.branches = append(t.branches, all.field(f)); f.Kind() == protoreflect.EnumKind {
				t.branches[i] = &schemaType{kind: kindNull, proto: protoType{wire: protowire.VarintType}}
			}
			continue
		}
		to := schemaField{name: string(f.Name()), t: all.field(f), proto: protoField{jsonName: f.JSONName()}}
		switch {
		case f.Cardinality() == protoreflect.Required:
			to.proto.absent = absentError
		case f.HasPresence():
			to.proto.absent = absentNull
		}
		if o := f.ContainingOneof(); o != nil {
			to.proto.oneof = o.Index() + 1
		}
		t.fields = append(t.fields, to)
	}
	return t
}

// field is the type of a field's values.
func (all protoTypes) field(f protoreflect.FieldDescriptor) *schemaType {
	switch {
	case f.IsMap():
		return &schemaType{kind: kindMap, elem: all.one(f.MapValue()), proto: protoType{wire: protowire.BytesType, key: all.one(f.MapKey())}}
	case f.IsList():
		return &schemaType{kind: kindArray, elem: all.one(f), proto: protoType{wire: protowire.BytesType}}
	}
	return all.one(f)
}

// protoScalars are the types of values that are no messages or enums.
var protoScalars = map[protoreflect.Kind]schemaType{
	protoreflect.BoolKind:     {kind: kindBoolean},
	protoreflect.Int32Kind:    {kind: kindInt},
	protoreflect.Sint32Kind:   {kind: kindInt, proto: protoType{zigzag: true}},
	protoreflect.Sfixed32Kind: {kind: kindInt, proto: protoType{wire: protowire.Fixed32Type}},
	protoreflect.Uint32Kind:   {kind: kindUint},
	protoreflect.Fixed32Kind:  {kind: kindUint, proto: protoType{wire: protowire.Fixed32Type}},
	protoreflect.Int64Kind:    {kind: kindLong},
	protoreflect.Sint64Kind:   {kind: kindLong, proto: protoType{zigzag: true}},
	protoreflect.Sfixed64Kind: {kind: kindLong, proto: protoType{wire: protowire.Fixed64Type}},
	protoreflect.Uint64Kind:   {kind: kindUlong},
	protoreflect.Fixed64Kind:  {kind: kindUlong, proto: protoType{wire: protowire.Fixed64Type}},
	protoreflect.FloatKind:    {kind: kindFloat, proto: protoType{wire: protowire.Fixed32Type}},
	protoreflect.DoubleKind:   {kind: kindDouble, proto: protoType{wire: protowire.Fixed64Type}},
	protoreflect.StringKind:   {kind: kindString, proto: protoType{wire: protowire.BytesType}},
	protoreflect.BytesKind:    {kind: kindBytes, proto: protoType{wire: protowire.BytesType}},
}

// one is the type of a field's single value.
func (all protoTypes) one(f protoreflect.FieldDescriptor) *schemaType {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return all.message(f.Message())
	case protoreflect.EnumKind:
		t := &schemaType{kind: kindEnum, name: string(f.Enum().FullName()), proto: protoType{names: map[int64][]byte{}}}
		for i := range f.Enum().Values().Len() {
			v := f.Enum().Values().Get(i)
			if t.proto.names[int64(v.Number())] == nil { // of aliases the first
				t.proto.names[int64(v.Number())] = []byte(v.Name())
			}
		}
		return t
	}
	t := protoScalars[f.Kind()]
	return &t
}
