package proto

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"dsql/ingest/schema"
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

// parse compiles the text of a schema; references are the texts of the files that it imports, by the names it imports them by.
func parse(ctx context.Context, text string, references map[string]string) (protoreflect.FileDescriptor, error) {
	const name = "the schema"
	files := map[string]string{}
	for _, m := range []map[string]string{confluentImports, references, {name: text}} {
		for k, v := range m {
			files[k] = v
		}
	}
	sources := &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(files)}
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(sources), MaxParallelism: 1}
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
type protoTypes map[protoreflect.FullName]*schema.Type

// message is the type of a message's values.
func (all protoTypes) message(m protoreflect.MessageDescriptor) *schema.Type {
	name := m.FullName()
	if t := all[name]; t != nil {
		return t
	}
	t := &schema.Type{Kind: schema.KindRecord, Name: string(name),
		Proto: schema.Proto{Wire: protowire.BytesType, Index: &schema.FieldIndex{}, Oneofs: m.Oneofs().Len()}}
	all[name] = t
	fields := m.Fields()
	switch name {
	case "google.protobuf.Timestamp", "google.protobuf.Duration":
		t.Kind, t.Logical, t.Scale = schema.KindMoment, schema.LogicalTimestamp, 9
		if name == "google.protobuf.Duration" {
			t.Logical = schema.LogicalDuration
		}
		return t
	case "confluent.type.Decimal":
		t.Kind, t.Logical, t.Precision = schema.KindBytes, schema.LogicalDecimal, math.MaxInt32
		return t
	case "google.protobuf.Value":
		t.Kind, t.Proto.Dynamic = schema.KindUnion, true
	case "google.protobuf.DoubleValue", "google.protobuf.FloatValue", "google.protobuf.Int64Value", "google.protobuf.UInt64Value",
		"google.protobuf.Int32Value",
		"google.protobuf.UInt32Value", "google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.BytesValue",
		"google.protobuf.Struct", "google.protobuf.ListValue":
		inside := all.field(fields.Get(0))
		*t = *inside
		t.Proto.Boxed, t.Proto.Wire = inside, protowire.BytesType
		return t
	}
	for i := range fields.Len() {
		f := fields.Get(i)
		t.Proto.Index.Put(f.Number(), i)
		if t.Proto.Dynamic {
			if t.Branches = append(t.Branches, all.field(f)); f.Kind() == protoreflect.EnumKind {
				t.Branches[i] = &schema.Type{Kind: schema.KindNull, Proto: schema.Proto{Wire: protowire.VarintType}}
			}
			continue
		}
		to := schema.Field{Name: string(f.Name()), Type: all.field(f), Proto: schema.ProtoField{JSONName: f.JSONName()}}
		switch {
		case f.Cardinality() == protoreflect.Required:
			to.Proto.Absent = schema.AbsentError
		case f.HasPresence():
			to.Proto.Absent = schema.AbsentNull
		}
		if o := f.ContainingOneof(); o != nil {
			to.Proto.Oneof = o.Index() + 1
		}
		t.Fields = append(t.Fields, to)
	}
	return t
}

// field is the type of a field's values.
func (all protoTypes) field(f protoreflect.FieldDescriptor) *schema.Type {
	switch {
	case f.IsMap():
		return &schema.Type{Kind: schema.KindMap, Elem: all.one(f.MapValue()),
			Proto: schema.Proto{Wire: protowire.BytesType, Key: all.one(f.MapKey())}}
	case f.IsList():
		return &schema.Type{Kind: schema.KindArray, Elem: all.one(f), Proto: schema.Proto{Wire: protowire.BytesType}}
	}
	return all.one(f)
}

// protoScalars are the types of values that are no messages or enums.
var protoScalars = map[protoreflect.Kind]schema.Type{
	protoreflect.BoolKind:     {Kind: schema.KindBoolean},
	protoreflect.Int32Kind:    {Kind: schema.KindInt},
	protoreflect.Sint32Kind:   {Kind: schema.KindInt, Proto: schema.Proto{Zigzag: true}},
	protoreflect.Sfixed32Kind: {Kind: schema.KindInt, Proto: schema.Proto{Wire: protowire.Fixed32Type}},
	protoreflect.Uint32Kind:   {Kind: schema.KindUint},
	protoreflect.Fixed32Kind:  {Kind: schema.KindUint, Proto: schema.Proto{Wire: protowire.Fixed32Type}},
	protoreflect.Int64Kind:    {Kind: schema.KindLong},
	protoreflect.Sint64Kind:   {Kind: schema.KindLong, Proto: schema.Proto{Zigzag: true}},
	protoreflect.Sfixed64Kind: {Kind: schema.KindLong, Proto: schema.Proto{Wire: protowire.Fixed64Type}},
	protoreflect.Uint64Kind:   {Kind: schema.KindUlong},
	protoreflect.Fixed64Kind:  {Kind: schema.KindUlong, Proto: schema.Proto{Wire: protowire.Fixed64Type}},
	protoreflect.FloatKind:    {Kind: schema.KindFloat, Proto: schema.Proto{Wire: protowire.Fixed32Type}},
	protoreflect.DoubleKind:   {Kind: schema.KindDouble, Proto: schema.Proto{Wire: protowire.Fixed64Type}},
	protoreflect.StringKind:   {Kind: schema.KindString, Proto: schema.Proto{Wire: protowire.BytesType}},
	protoreflect.BytesKind:    {Kind: schema.KindBytes, Proto: schema.Proto{Wire: protowire.BytesType}},
}

// one is the type of a field's single value.
func (all protoTypes) one(f protoreflect.FieldDescriptor) *schema.Type {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return all.message(f.Message())
	case protoreflect.EnumKind:
		t := &schema.Type{Kind: schema.KindEnum, Name: string(f.Enum().FullName()), Proto: schema.Proto{Names: map[int64][]byte{}}}
		for i := range f.Enum().Values().Len() {
			v := f.Enum().Values().Get(i)
			if t.Proto.Names[int64(v.Number())] == nil { // of aliases the first
				t.Proto.Names[int64(v.Number())] = []byte(v.Name())
			}
		}
		return t
	}
	t := protoScalars[f.Kind()]
	return &t
}
