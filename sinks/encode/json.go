package encode

import (
	"encoding/json"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/duck"
)

// JSON Schema: what the JSON of a row may be. No field has to be there and no others may, so that a schema with one more reads what was
// written by the one before it.

func jsonRow(name string, cols []duck.Column, _ *sr.Schema) (*Encoder, error) {
	s := jsonObject(cols)
	s["$schema"], s["title"] = "http://json-schema.org/draft-07/schema#", name
	return jsonEncoder(s), nil
}

func jsonEncoder(s any) *Encoder {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // maps and texts
	}
	return &Encoder{Schema: sr.Schema{Type: sr.TypeJSON, Schema: string(text)}}
}

func jsonObject(cols []duck.Column) map[string]any {
	fields := map[string]any{}
	for _, c := range cols {
		fields[c.Name] = jsonNullable(c.Type)
	}
	return map[string]any{"type": "object", "properties": fields, "additionalProperties": false}
}

func jsonNullable(t duck.Type) any {
	s := jsonOf(t)
	if len(s) == 0 {
		return s
	}
	null := map[string]any{"type": "null"}
	if of, ok := s["oneOf"].([]any); ok {
		return map[string]any{"oneOf": append([]any{null}, of...)}
	}
	return map[string]any{"oneOf": []any{null, s}}
}

// jsonOf is what to_json makes of a value that is not NULL.
func jsonOf(t duck.Type) map[string]any {
	is := func(name string) map[string]any { return map[string]any{"type": name} }
	s := t.Shape()
	switch {
	case s.ID.Integer():
		return is("integer")
	case s.ID == duck.TypeDecimal:
		return is("number")
	case s.ID.Float():
		return map[string]any{"oneOf": []any{is("number"), map[string]any{"enum": []any{"NaN", "Infinity", "-Infinity"}}}}
	}
	switch s.ID {
	case duck.TypeBoolean:
		return is("boolean")
	case duck.TypeList, duck.TypeArray:
		return map[string]any{"type": "array", "items": jsonNullable(s.Parts[0].Type)}
	case duck.TypeMap:
		return map[string]any{"type": "object", "additionalProperties": jsonNullable(s.Parts[1].Type)}
	case duck.TypeStruct:
		if len(s.Parts) > 0 && s.Parts[0].Name == "" {
			return map[string]any{}
		}
		return jsonObject(s.Parts)
	case duck.TypeJSON, duck.TypeUnion, duck.TypeVariant, duck.TypeGeometry, duck.TypeBigNum, 0:
		return map[string]any{} // anything
	}
	return is("string")
}
