package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/sql"
)

// schemaSource gives a schema by its id. A noSchema is an answer too; another error says that the source can't be asked.
type schemaSource func(ctx context.Context, id int) (*schemaText, error)

// schemaText is a schema as a registry has it, with the texts of all schemas that it refers to, by name.
type schemaText struct {
	kind       sr.SchemaType
	text       string
	references map[string]string
}

// noSchema says why there is no schema with an id: what is wrong with the records that carry it.
type noSchema string

func (e noSchema) Error() string { return string(e) }

// maxReferences is how many schemas one may refer to.
const maxReferences = 1000

// registrySchemas reads schemas of a Confluent schema registry (GET /schemas/ids/{id}, /subjects/{subject}/versions/{version}).
func registrySchemas(cl *sr.Client) schemaSource {
	return func(ctx context.Context, id int) (*schemaText, error) {
		s, err := cl.SchemaByID(ctx, id)
		if err != nil {
			return nil, registryError(ctx, err, fmt.Sprintf("unknown schema id %d", id))
		}
		references := map[string]string{}
		todo := s.References
		for len(todo) > 0 {
			r := todo[0]
			todo = todo[1:]
			if _, known := references[r.Name]; known {
				continue
			}
			if len(references) == maxReferences {
				return nil, noSchema(fmt.Sprintf("schema id %d refers to more than %d schemas", id, maxReferences))
			}
			other, err := cl.SchemaByVersion(ctx, r.Subject, r.Version)
			if err != nil {
				return nil, registryError(ctx, err, fmt.Sprintf("schema id %d refers to version %d of %s, which the registry doesn't have", id, r.Version, r.Subject))
			}
			references[r.Name] = other.Schema.Schema
			todo = append(todo, other.References...)
		}
		return &schemaText{s.Type, s.Schema, references}, nil
	}
}

// registryError tells an answer that there is no such schema from a registry that gives none.
func registryError(ctx context.Context, err error, missing string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var answer *sr.ResponseError
	if !errors.As(err, &answer) {
		return &sql.Error{Code: "registry-unreachable", Exit: sql.ExitUnreachable, Msg: "the schema registry can't be reached: " + err.Error(), Hint: "is it running, and is schema_registry of the connection its URL?"}
	}
	const unknownSchema, unknownSubject, unknownVersion = 40403, 40401, 40402
	switch answer.ErrorCode {
	case unknownSchema, unknownSubject, unknownVersion:
		return noSchema(missing)
	}
	e := &sql.Error{Code: "registry-refuses", Exit: sql.ExitUnreachable, Msg: fmt.Sprintf("the schema registry answers %s with %d: %s", answer.URL, answer.StatusCode, answer.Error()), Hint: "see the registry's log"}
	if answer.StatusCode >= 500 { // for now
		e.Code = "registry-unreachable"
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Hint = "set schema_registry_username and schema_registry_password of the connection"
	case http.StatusNotFound:
		e.Hint = "is schema_registry of the connection the registry's URL?"
	}
	return e
}
