package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"dsql/ingest/schema"
)

// Schemas as the Avro specification 1.12 has them: names and namespaces, logical types, schemas that contain themselves. What a
// reader needs of a schema to follow the bytes that its writer made is here; defaults, aliases, orders and docs are for others.

// parser makes types of the JSON text of a schema and of those that it refers to.
type parser struct {
	named      map[string]*schema.Type
	references map[string]string // texts by name, parsed when a name is met that isn't there
}

// Parse makes the type of a schema. references are the texts of schemas that it names, by full name.
func Parse(text string, references map[string]string) (*schema.Type, error) {
	p := &parser{named: map[string]*schema.Type{}, references: references}
	t, err := p.text(text)
	if err != nil {
		return nil, err
	}
	return t, measure(t, map[*schema.Type]bool{})
}

func (p *parser) text(text string) (*schema.Type, error) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		if text != "" && strings.IndexFunc(text, func(r rune) bool { return r != '_' && r != '.' && (r < 'a' || r > 'z') }) < 0 {
			return p.parse(text, "") // a bare name, as some registries give it
		}
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	return p.parse(v, "")
}

func (p *parser) parse(v any, namespace string) (*schema.Type, error) {
	switch v := v.(type) {
	case string:
		return p.name(v, namespace)
	case []any:
		return p.union(v, namespace)
	case map[string]any:
		return p.object(v, namespace)
	}
	return nil, fmt.Errorf("%v is no type", v)
}

// name finds a primitive type or one that has been defined.
func (p *parser) name(name, namespace string) (*schema.Type, error) {
	for k := schema.KindNull; k <= schema.KindString; k++ {
		if name == k.String() {
			return &schema.Type{Kind: k}, nil
		}
	}
	full := fullName(name, namespace)
	for _, n := range []string{full, name} {
		if t := p.named[n]; t != nil {
			return t, nil
		}
		if text, ok := p.references[n]; ok {
			delete(p.references, n)
			t, err := p.text(text)
			if err != nil {
				return nil, fmt.Errorf("in the reference %s: %w", n, err)
			}
			if d := p.named[n]; d != nil {
				t = d
			}
			return t, nil
		}
	}
	return nil, fmt.Errorf("the type %s isn't defined", full)
}

func fullName(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

func (p *parser) union(list []any, namespace string) (*schema.Type, error) {
	t := &schema.Type{Kind: schema.KindUnion}
	for _, v := range list {
		b, err := p.parse(v, namespace)
		if err != nil {
			return nil, err
		}
		if b.Kind == schema.KindUnion {
			return nil, errors.New("a union stands directly in a union")
		}
		t.Branches = append(t.Branches, b)
	}
	if len(list) == 0 {
		return nil, errors.New("a union of no types")
	}
	return t, nil
}

func (p *parser) object(m map[string]any, namespace string) (*schema.Type, error) {
	name, ok := m["type"].(string)
	if !ok { // {"type": {…}}
		if m["type"] == nil {
			return nil, errors.New("a type without \"type\"")
		}
		return p.parse(m["type"], namespace)
	}
	switch name {
	case "record", "error", "enum", "fixed":
		return p.define(name, m, namespace)
	case "array", "map":
		t := &schema.Type{Kind: schema.KindArray}
		t.Connect, _ = m["connect.name"].(string)
		of := "items"
		if name == "map" {
			t.Kind, of = schema.KindMap, "values"
		}
		var err error
		if t.Elem, err = p.parse(m[of], namespace); err != nil {
			return nil, fmt.Errorf("%s of %s: %w", of, t.What(), err)
		}
		return t, nil
	}
	t, err := p.name(name, namespace)
	if err != nil || t.Name != "" {
		return t, err
	}
	means(t, m)
	t.Connect, _ = m["connect.name"].(string)
	return t, nil
}

// define makes a record, enum or fixed.
func (p *parser) define(kind string, m map[string]any, namespace string) (*schema.Type, error) {
	name, _ := m["name"].(string)
	if name == "" {
		return nil, fmt.Errorf("a type %s without a name", kind)
	}
	if ns, ok := m["namespace"].(string); ok && !strings.Contains(name, ".") {
		namespace = ns
	}
	t := &schema.Type{Name: fullName(name, namespace)}
	t.Connect, _ = m["connect.name"].(string)
	if p.named[t.Name] != nil {
		return nil, fmt.Errorf("%s is defined twice", t.Name)
	}
	p.named[t.Name] = t
	if i := strings.LastIndexByte(t.Name, '.'); i >= 0 {
		namespace = t.Name[:i]
	} else {
		namespace = ""
	}
	switch kind {
	case "enum":
		t.Kind = schema.KindEnum
		list, _ := m["symbols"].([]any)
		for _, v := range list {
			s, ok := v.(string)
			if !ok || s == "" || !utf8.ValidString(s) {
				return nil, fmt.Errorf("%s has a symbol that is no text", t.Name)
			}
			t.Symbols = append(t.Symbols, []byte(s))
		}
		return t, nil
	case "fixed":
		t.Kind = schema.KindFixed
		size, ok := whole(m["size"])
		if !ok {
			return nil, fmt.Errorf("the fixed %s has no size", t.Name)
		}
		t.Size = size
		means(t, m)
		return t, nil
	}
	t.Kind = schema.KindRecord
	list, ok := m["fields"].([]any)
	if !ok {
		return nil, fmt.Errorf("the record %s has no fields", t.Name)
	}
	seen := map[string]bool{}
	for _, v := range list {
		f, _ := v.(map[string]any)
		name, _ := f["name"].(string)
		if name == "" || seen[name] {
			return nil, fmt.Errorf("a field of %s has no name of its own", t.Name)
		}
		seen[name] = true
		ft, err := p.parse(f["type"], namespace)
		if err != nil {
			return nil, fmt.Errorf("field %s of %s: %w", name, t.Name, err)
		}
		t.Fields = append(t.Fields, schema.Field{Name: name, Type: ft})
	}
	return t, nil
}

// whole reads a number that is a size.
func whole(v any) (int, bool) {
	f, ok := v.(float64)
	return int(f), ok && f >= 0 && f <= 1<<30 && f == float64(int(f))
}

// means notes the logical type, where the type can carry it.
func means(t *schema.Type, m map[string]any) {
	name, _ := m["logicalType"].(string)
	on := func(kind schema.Kind, logical schema.Logical, scale int) {
		if t.Kind == kind {
			t.Logical, t.Scale = logical, scale
		}
	}
	switch strings.TrimPrefix(name, "local-") {
	case "date":
		on(schema.KindInt, schema.LogicalDate, 0)
	case "time-millis":
		on(schema.KindInt, schema.LogicalTime, 3)
	case "time-micros":
		on(schema.KindLong, schema.LogicalTime, 6)
	case "timestamp-millis":
		on(schema.KindLong, schema.LogicalTimestamp, 3)
	case "timestamp-micros":
		on(schema.KindLong, schema.LogicalTimestamp, 6)
	case "timestamp-nanos":
		on(schema.KindLong, schema.LogicalTimestamp, 9)
	case "uuid":
		on(schema.KindString, schema.LogicalUUID, 0)
		if t.Size == 16 {
			on(schema.KindFixed, schema.LogicalUUID, 0)
		}
	case "duration":
		if t.Size == 12 {
			on(schema.KindFixed, schema.LogicalDuration, 0)
		}
	case "decimal":
		precision, ok := whole(m["precision"])
		scale, ok2 := whole(m["scale"])
		if ok && precision > 0 && precision <= schema.MaxDigits && scale <= precision && (ok2 || m["scale"] == nil) {
			on(schema.KindBytes, schema.LogicalDecimal, scale)
			on(schema.KindFixed, schema.LogicalDecimal, scale)
			t.Precision = precision
		}
	}
}

// measure finds the types whose values take no bytes, among all that t leads to. A record that is always in itself has no end, and
// is an error.
func measure(t *schema.Type, seen map[*schema.Type]bool) error {
	if seen[t] {
		return nil
	}
	seen[t] = true
	if err := sum(t, map[*schema.Type]bool{}); err != nil {
		return err
	}
	if t.Elem != nil {
		return measure(t.Elem, seen)
	}
	for _, f := range t.Fields {
		if err := measure(f.Type, seen); err != nil {
			return err
		}
	}
	for _, b := range t.Branches {
		if err := measure(b, seen); err != nil {
			return err
		}
	}
	return nil
}

// sum adds up what stands in a value whatever it is; done has the records that were seen, true for those that are summed up.
func sum(t *schema.Type, done map[*schema.Type]bool) error {
	switch t.Kind {
	case schema.KindNull:
		t.NoBytes = true
	case schema.KindFixed:
		t.NoBytes = t.Size == 0
	case schema.KindRecord:
		if ready, met := done[t]; met {
			if !ready {
				return fmt.Errorf("the record %s is always in itself", t.Name)
			}
			return nil
		}
		done[t] = false
		none := true
		for _, f := range t.Fields {
			if err := sum(f.Type, done); err != nil {
				return err
			}
			none = none && f.Type.NoBytes
		}
		done[t], t.NoBytes = true, none
	}
	return nil
}
