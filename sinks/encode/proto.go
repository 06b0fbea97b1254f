package encode

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"dsql/engine/duck"
)

// Protobuf: a message whose fields are all optional. A field keeps the number that it has in the schema before, wherever its column stands
// now; numbers that were given are not given again.

// message is one that is being made.
type message struct {
	name   string
	fields []protoField
	inside []*message
	taken  map[string]bool // names of fields and of messages inside
	prior  protoreflect.MessageDescriptor
	next   protowire.Number
}

type protoField struct {
	label, typ, name string
	number           protowire.Number
}

// proto makes one schema.
type proto struct {
	imports map[string]bool
}

func protoRow(name string, cols []duck.Column, prior *sr.Schema) (*Encoder, error) {
	pkg, name := split(name)
	p := &proto{map[string]bool{}}
	m, puts, err := p.message(name, "", cols, priorMessage(prior))
	if err != nil {
		return nil, err
	}
	e := &Encoder{Schema: sr.Schema{Type: sr.TypeProtobuf, Schema: p.text(pkg, m)}, index: []byte{0}}
	if _, err := compile(e.Schema.Schema); err != nil {
		return nil, &Wrong{fmt.Sprintf("Protobuf has no such message: %v", err), "give the columns other names in the stream"}
	}
	for _, c := range cols {
		e.Casts = append(e.Casts, castOf(c.Type, duck.TypeDate, duck.TypeTime))
	}
	e.body = func(b []byte, views []*duck.View, row int) (_ []byte, err error) {
		for i, put := range puts {
			if views[i].Null(row) {
				continue
			}
			if b, err = put(b, views[i], row); err != nil {
				return b, err
			}
		}
		return b, nil
	}
	return e, nil
}

func protoOne(name string, col duck.Column, prior *sr.Schema) (*Encoder, error) {
	return protoRow(name, []duck.Column{col}, prior)
}

// wellKnown are the files that every registry has, and the compiler not.
var wellKnown = map[string]string{decimalFile: `syntax = "proto3"; package confluent.type;
	message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`}

const (
	decimalFile   = "confluent/type/decimal.proto"
	timestampFile = "google/protobuf/timestamp.proto"
)

func compile(text string) (protoreflect.FileDescriptor, error) {
	const name = "the schema"
	files := map[string]string{name: text}
	for k, v := range wellKnown {
		files[k] = v
	}
	c := protocompile.Compiler{MaxParallelism: 1,
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(files)})}
	out, err := c.Compile(context.Background(), name)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// priorMessage is the first message of the schema before. One that isn't Protobuf, or imports what isn't known here, has nothing to say: the
// registry judges what is registered behind it.
func priorMessage(s *sr.Schema) protoreflect.MessageDescriptor {
	if s == nil || s.Type != sr.TypeProtobuf {
		return nil
	}
	f, err := compile(s.Schema)
	if err != nil || f.Messages().Len() == 0 {
		return nil
	}
	return f.Messages().Get(0)
}

func newMessage(name string, prior protoreflect.MessageDescriptor) *message {
	m := &message{name: name, taken: map[string]bool{}, prior: prior, next: 1}
	if prior == nil {
		return m
	}
	for i := range prior.Fields().Len() {
		m.next = max(m.next, prior.Fields().Get(i).Number()+1)
	}
	for i := range prior.ReservedRanges().Len() {
		m.next = max(m.next, prior.ReservedRanges().Get(i)[1])
	}
	return m
}

// number is a field's: its own, or the next.
func (m *message) number(name string) protowire.Number {
	if m.prior != nil {
		if f := m.prior.Fields().ByName(protoreflect.Name(name)); f != nil {
			return f.Number()
		}
	}
	if m.next >= protowire.FirstReservedNumber && m.next <= protowire.LastReservedNumber {
		m.next = protowire.LastReservedNumber + 1
	}
	m.next++
	return m.next - 1
}

// within is the message inside the one before, as the type of a field.
func (m *message) within(field string) protoreflect.MessageDescriptor {
	if m.prior == nil {
		return nil
	}
	f := m.prior.Fields().ByName(protoreflect.Name(field))
	if f != nil && f.IsMap() {
		f = f.MapValue()
	}
	if f == nil || f.Message() == nil || f.Message().Parent() != m.prior {
		return nil
	}
	return f.Message()
}

// add gives a field a message of its own for its values.
func (m *message) add(field string, fill func(name string, prior protoreflect.MessageDescriptor) (*message, error)) (string, error) {
	prior, name := m.within(field), strings.ToUpper(field[:1])+field[1:]
	if prior != nil && !m.taken[string(prior.Name())] {
		name = string(prior.Name())
	}
	for m.taken[name] {
		name += "_"
	}
	m.taken[name] = true
	inside, err := fill(name, prior)
	m.inside = append(m.inside, inside)
	return name, err
}

// message makes a message of columns, and what writes each of them that is not NULL, with its tag.
func (p *proto) message(name, path string, cols []duck.Column, prior protoreflect.MessageDescriptor) (*message, []put, error) {
	m := newMessage(name, prior)
	for _, c := range cols {
		if err := fieldName(c.Name, path, "Protobuf"); err != nil {
			return nil, nil, err
		}
		m.taken[c.Name] = true
	}
	puts := make([]put, len(cols))
	for i, c := range cols {
		var err error
		if puts[i], err = p.field(m, below(path, c.Name), c); err != nil {
			return nil, nil, err
		}
	}
	return m, puts, nil
}

// field adds a field for a column, and is what writes it.
func (p *proto) field(m *message, path string, c duck.Column) (put, error) {
	f := protoField{label: "optional", name: c.Name, number: m.number(c.Name)}
	s := c.Type.Shape()
	var write put
	switch s.ID {
	case duck.TypeList, duck.TypeArray:
		v, err := p.value(m, c.Name, path, s.Parts[0].Type)
		if err != nil {
			return nil, err
		}
		f.label, f.typ, write = "repeated", v.typ, v.repeated(f.number, path)
	case duck.TypeMap:
		v, err := p.value(m, c.Name, path, s.Parts[1].Type)
		if err != nil {
			return nil, err
		}
		f.label, f.typ, write = "", "map<string, "+v.typ+">", v.entries(f.number, path)
	default:
		v, err := p.value(m, c.Name, path, c.Type)
		if err != nil {
			return nil, err
		}
		f.typ = v.typ
		write = v.tagged(f.number)
	}
	m.fields = append(m.fields, f)
	return write, nil
}

// text is the schema of a message.
func (p *proto) text(pkg string, m *message) string {
	var b strings.Builder
	b.WriteString("syntax = \"proto3\";\n")
	if pkg != "" {
		fmt.Fprintf(&b, "package %s;\n", pkg)
	}
	b.WriteString("\n")
	for _, f := range []string{decimalFile, timestampFile} {
		if p.imports[f] {
			fmt.Fprintf(&b, "import %q;\n", f)
		}
	}
	m.write(&b, "")
	return b.String()
}

func (m *message) write(b *strings.Builder, indent string) {
	fmt.Fprintf(b, "%smessage %s {\n", indent, m.name)
	if gone := m.gone(); len(gone) > 0 {
		fmt.Fprintf(b, "%s  reserved %s;\n", indent, strings.Join(gone, ", "))
	}
	for _, f := range m.fields {
		label := f.label
		if label != "" {
			label += " "
		}
		fmt.Fprintf(b, "%s  %s%s %s = %d;\n", indent, label, f.typ, f.name, f.number)
	}
	for _, inside := range m.inside {
		inside.write(b, indent+"  ")
	}
	fmt.Fprintf(b, "%s}\n", indent)
}

// gone are the numbers that the schema before had given, and this one has no fields for.
func (m *message) gone() (all []string) {
	if m.prior == nil {
		return nil
	}
	var numbers []protowire.Number
	for i := range m.prior.Fields().Len() {
		numbers = append(numbers, m.prior.Fields().Get(i).Number())
	}
	for i := range m.prior.ReservedRanges().Len() {
		r := m.prior.ReservedRanges().Get(i)
		if r[1]-r[0] > 1 {
			all = append(all, fmt.Sprintf("%d to %d", r[0], r[1]-1))
			continue
		}
		numbers = append(numbers, r[0])
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		if !slices.ContainsFunc(m.fields, func(f protoField) bool { return f.number == n }) {
			all = append(all, fmt.Sprint(n))
		}
	}
	return all
}

// sized appends what body writes, behind how many bytes it is.
func sized(b []byte, body func(b []byte) ([]byte, error)) ([]byte, error) {
	at := len(b)
	b, err := body(append(b, 0))
	n := len(b) - at - 1
	if more := protowire.SizeVarint(uint64(n)) - 1; more > 0 {
		b = append(b, make([]byte, more)...)
		copy(b[at+1+more:], b[at+1:len(b)-more])
	}
	binary.PutUvarint(b[at:], uint64(n))
	return b, err
}
