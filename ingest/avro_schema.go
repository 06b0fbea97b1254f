package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Schemas as the Avro specification 1.12 has them: names and namespaces, logical types, schemas that contain themselves. What a
// reader needs of a schema to follow the bytes that its writer made is here; defaults, aliases, orders and docs are for others.

// avroParser makes types of the JSON text of a schema and of those that it refers to.
type avroParser struct {
	named      map[string]*schemaType
	references map[string]string // texts by name, parsed when a name is met that isn't there
}

// parseAvro makes the type of a schema. references are the texts of schemas that it names, by full name.
func parseAvro(text string, references map[string]string) (*schemaType, error) {
	p := &avroParser{named: map[string]*schemaType{}, references: references}
	t, err := p.text(text)
	if err != nil {
		return nil, err
	}
	return t, measure(t, map[*schemaType]bool{})
}

func (p *avroParser) text(text string) (*schemaType, error) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		if text != "" && strings.IndexFunc(text, func(r rune) bool { return r != '_' && r != '.' && (r < 'a' || r > 'z') }) < 0 {
			return p.parse(text, "") // a bare name, as some registries give it
		}
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	return p.parse(v, "")
}

func (p *avroParser) parse(v any, namespace string) (*schemaType, error) {
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
func (p *avroParser) name(name, namespace string) (*schemaType, error) {
	for k := kindNull; k <= kindString; k++ {
		if name == k.String() {
			return &schemaType{kind: k}, nil
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

func (p *avroParser) union(list []any, namespace string) (*schemaType, error) {
	t := &schemaType{kind: kindUnion}
	for _, v := range list {
		b, err := p.parse(v, namespace)
		if err != nil {
			return nil, err
		}
		if b.kind == kindUnion {
			return nil, errors.New("a union stands directly in a union")
		}
		t.branches = append(t.branches, b)
	}
	if len(list) == 0 {
		return nil, errors.New("a union of no types")
	}
	return t, nil
}

func (p *avroParser) object(m map[string]any, namespace string) (*schemaType, error) {
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
		t := &schemaType{kind: kindArray}
		of := "items"
		if name == "map" {
			t.kind, of = kindMap, "values"
		}
		var err error
		if t.elem, err = p.parse(m[of], namespace); err != nil {
			return nil, fmt.Errorf("%s of %s: %w", of, t.what(), err)
		}
		return t, nil
	}
	t, err := p.name(name, namespace)
	if err != nil || t.name != "" {
		return t, err
	}
	means(t, m)
	return t, nil
}

// define makes a record, enum or fixed.
func (p *avroParser) define(kind string, m map[string]any, namespace string) (*schemaType, error) {
	name, _ := m["name"].(string)
	if name == "" {
		return nil, fmt.Errorf("a type %s without a name", kind)
	}
	if ns, ok := m["namespace"].(string); ok && !strings.Contains(name, ".") {
		namespace = ns
	}
	t := &schemaType{name: fullName(name, namespace)}
	if p.named[t.name] != nil {
		return nil, fmt.Errorf("%s is defined twice", t.name)
	}
	p.named[t.name] = t
	if i := strings.LastIndexByte(t.name, '.'); i >= 0 {
		namespace = t.name[:i]
	} else {
		namespace = ""
	}
	switch kind {
	case "enum":
		t.kind = kindEnum
		list, _ := m["symbols"].([]any)
		for _, v := range list {
			s, ok := v.(string)
			if !ok || s == "" || !utf8.ValidString(s) {
				return nil, fmt.Errorf("%s has a symbol that is no text", t.name)
			}
			t.symbols = append(t.symbols, []byte(s))
		}
		return t, nil
	case "fixed":
		t.kind = kindFixed
		size, ok := whole(m["size"])
		if !ok {
			return nil, fmt.Errorf("the fixed %s has no size", t.name)
		}
		t.size = size
		means(t, m)
		return t, nil
	}
	t.kind = kindRecord
	list, ok := m["fields"].([]any)
	if !ok {
		return nil, fmt.Errorf("the record %s has no fields", t.name)
	}
	seen := map[string]bool{}
	for _, v := range list {
		f, _ := v.(map[string]any)
		name, _ := f["name"].(string)
		if name == "" || seen[name] {
			return nil, fmt.Errorf("a field of %s has no name of its own", t.name)
		}
		seen[name] = true
		ft, err := p.parse(f["type"], namespace)
		if err != nil {
			return nil, fmt.Errorf("field %s of %s: %w", name, t.name, err)
		}
		t.fields = append(t.fields, schemaField{name: name, t: ft})
	}
	return t, nil
}

// whole reads a number that is a size.
func whole(v any) (int, bool) {
	f, ok := v.(float64)
	return int(f), ok && f >= 0 && f <= 1<<30 && f == float64(int(f))
}

// means notes the logical type, where the type can carry it.
func means(t *schemaType, m map[string]any) {
	name, _ := m["logicalType"].(string)
	on := func(kind schemaKind, logical logicalType, scale int) {
		if t.kind == kind {
			t.logical, t.scale = logical, scale
		}
	}
	switch strings.TrimPrefix(name, "local-") {
	case "date":
		on(kindInt, logicalDate, 0)
	case "time-millis":
		on(kindInt, logicalTime, 3)
	case "time-micros":
		on(kindLong, logicalTime, 6)
	case "timestamp-millis":
		on(kindLong, logicalTimestamp, 3)
	case "timestamp-micros":
		on(kindLong, logicalTimestamp, 6)
	case "timestamp-nanos":
		on(kindLong, logicalTimestamp, 9)
	case "uuid":
		on(kindString, logicalUUID, 0)
		if t.size == 16 {
			on(kindFixed, logicalUUID, 0)
		}
	case "duration":
		if t.size == 12 {
			on(kindFixed, logicalDuration, 0)
		}
	case "decimal":
		precision, ok := whole(m["precision"])
		scale, ok2 := whole(m["scale"])
		if ok && precision > 0 && precision <= maxDigits && scale <= precision && (ok2 || m["scale"] == nil) {
			on(kindBytes, logicalDecimal, scale)
			on(kindFixed, logicalDecimal, scale)
			t.precision = precision
		}
	}
}

// measure finds the types whose values take no bytes, among all that t leads to. A record that is always in itself has no end, and
// is an error.
func measure(t *schemaType, seen map[*schemaType]bool) error {
	if seen[t] {
		return nil
	}
	seen[t] = true
	if err := sum(t, map[*schemaType]bool{}); err != nil {
		return err
	}
	if t.elem != nil {
		return measure(t.elem, seen)
	}
	for _, f := range t.fields {
		if err := measure(f.t, seen); err != nil {
			return err
		}
	}
	for _, b := range t.branches {
		if err := measure(b, seen); err != nil {
			return err
		}
	}
	return nil
}

// sum adds up what stands in a value whatever it is; done has the records that were seen, true for those that are summed up.
func sum(t *schemaType, done map[*schemaType]bool) error {
	switch t.kind {
	case kindNull:
		t.noBytes = true
	case kindFixed:
		t.noBytes = t.size == 0
	case kindRecord:
		if ready, met := done[t]; met {
			if !ready {
				return fmt.Errorf("the record %s is always in itself", t.name)
			}
			return nil
		}
		done[t] = false
		none := true
		for _, f := range t.fields {
			if err := sum(f.t, done); err != nil {
				return err
			}
			none = none && f.t.noBytes
		}
		done[t], t.noBytes = true, none
	}
	return nil
}
