package serve

import (
	"context"
	"net/http"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
)

// The OpenAPI document is made of the declarations as they are: a path for each endpoint and each model.

type object map[string]any

// openAPI answers GET /openapi.json.
func (s *server) openAPI(w *recorder, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), s.o.Limits.Time)
	defer cancel()
	s.use.RLock()
	defer s.use.RUnlock()
	v, err := s.file.looker.view(ctx)
	if err != nil {
		return err
	}
	paths := object{}
	for _, name := range v.names {
		paths["/v1/endpoints/"+name] = endpointPath(v.endpoints[sql.KeyOf(name)])
	}
	for _, name := range v.modelled {
		if x := v.models[sql.KeyOf(name)].inUse; x != nil {
			paths["/v1/models/"+name+"/predict"] = modelPath(x)
		}
	}
	row := object{"type": "object", "required": []string{"sql"}, "additionalProperties": false, "properties": object{
		"sql": object{"type": "string", "minLength": 1}, "params": object{"type": "object"}, "texts": object{"type": "boolean"},
		"limit": object{"type": "integer", "minimum": 0, "maximum": mostRows, "default": usualRows}}}
	paths["/v1/query"] = object{"post": operation("query", "One SELECT, or EXPLAIN of one.", nil, row, object{"type": "object"})}
	paths["/v1/status"] = object{"get": operation("status", "How the server is.", nil, nil, object{"type": "object"})}
	doc := object{"openapi": "3.1.0", "info": object{"title": "dsql", "version": "1"}, "paths": paths,
		"components": object{
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}},
			"schemas": object{"Problem": object{"type": "object",
				"properties": object{"type": text, "title": text, "status": object{"type": "integer"},
					"detail": text, "code": text, "hint": text, "line": object{"type": "integer"}, "column": object{"type": "integer"}}}}}}
	if !s.guard.none() {
		doc["security"] = []object{{"token": []string{}}}
	}
	w.stamp(v.version)
	answerJSON(w, http.StatusOK, "application/json", doc)
	return nil
}

var text = object{"type": "string"}

// operation is a request with its answers.
func operation(id, what string, params []object, body, answer object) object {
	o := object{"operationId": id, "summary": what, "responses": object{
		"200": object{"description": "the answer", "content": object{"application/json": object{"schema": answer}}},
		"default": object{"description": "what is wrong",
			"content": object{"application/problem+json": object{"schema": object{"$ref": "#/components/schemas/Problem"}}}}}}
	if params != nil {
		o["parameters"] = params
	}
	if body != nil {
		o["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": body}}}
	}
	return o
}

func endpointPath(at *served) object {
	props, required, params := object{}, []string{}, []object{}
	for i, p := range at.params {
		props[p.Name] = schemaOf(p.Type)
		must := at.Params[i].Default == nil
		if must {
			required = append(required, p.Name)
		}
		params = append(params, object{"name": p.Name, "in": "query", "required": must, "schema": props[p.Name]})
	}
	one := object{"type": "object", "properties": props, "required": required, "additionalProperties": false}
	rows := object{"type": "array", "items": object{"type": "object", "properties": columnSchemas(at.columns)}}
	answer := object{"type": "object", "properties": object{"columns": object{"type": "array", "items": object{"type": "object",
		"properties": object{"name": text, "type": text}}}, "rows": rows, "version": object{"type": "integer"}}}
	many := object{"type": "array", "items": object{"type": "object", "properties": object{"row": object{"type": "integer"}, "rows": rows}}}
	return object{"get": inTables(operation("get_"+at.name, "The endpoint "+at.name+".", params, nil, answer)),
		"post": inTables(operation("post_"+at.name, "The endpoint "+at.name+", for one row of parameters or many.", nil,
			object{"oneOf": []object{one, {"type": "array", "items": one}}}, object{"oneOf": []object{answer, many}}))}
}

// inTables adds the other forms of an answer.
func inTables(operation object) object {
	responses, _ := operation["responses"].(object)
	ok, _ := responses["200"].(object)
	if content, is := ok["content"].(object); is {
		content[asCSV.name] = object{"schema": text}
		content[asArrow.name] = object{"schema": object{"type": "string", "contentEncoding": "binary"}}
	}
	return operation
}

func modelPath(x *versionAt) object {
	one := object{"type": "object", "properties": columnSchemas(x.Inputs), "additionalProperties": false}
	return object{"post": operation("predict_"+x.Name, "The model "+x.Name+", version in use.", nil,
		object{"oneOf": []object{one, {"type": "array", "items": one},
			{"type": "object", "required": []string{"rows"}, "additionalProperties": false,
				"properties": object{"rows": object{"type": "array", "items": one}}}}},
		object{"type": "object", "properties": object{"predictions": object{"type": "array", "items": schemaOf(x.Returns)},
			"model": object{"type": "object", "properties": object{"name": text, "version": object{"type": "integer"}}}}})}
}

func columnSchemas(cols []duck.Column) object {
	out := object{}
	for _, c := range cols {
		out[c.Name] = schemaOf(c.Type)
	}
	return out
}

// schemaOf is a type as JSON Schema, NULL among its values.
func schemaOf(t duck.Type) object {
	s := t.Shape()
	switch s.ID {
	case duck.TypeBoolean:
		return object{"type": []string{"boolean", "null"}}
	case duck.TypeTinyInt, duck.TypeSmallInt, duck.TypeInteger, duck.TypeBigInt, duck.TypeUTinyInt, duck.TypeUSmallInt, duck.TypeUInteger,
		duck.TypeUBigInt, duck.TypeHugeInt, duck.TypeUHugeInt:
		return object{"type": []string{"integer", "null"}}
	case duck.TypeFloat, duck.TypeDouble, duck.TypeDecimal:
		return object{"type": []string{"number", "null"}}
	case duck.TypeDate:
		return object{"type": []string{"string", "null"}, "format": "date"}
	case duck.TypeUUID:
		return object{"type": []string{"string", "null"}, "format": "uuid"}
	case duck.TypeList:
		return object{"type": []string{"array", "null"}, "items": schemaOf(s.Parts[0].Type)}
	case duck.TypeMap:
		return object{"type": []string{"object", "null"}, "additionalProperties": schemaOf(s.Parts[1].Type)}
	case duck.TypeStruct:
		props := object{}
		for _, p := range s.Parts {
			props[p.Name] = schemaOf(p.Type)
		}
		return object{"type": []string{"object", "null"}, "properties": props}
	}
	if strings.EqualFold(string(t), "JSON") {
		return object{}
	}
	return object{"type": []string{"string", "null"}}
}
