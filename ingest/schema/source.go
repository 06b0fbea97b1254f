package schema

import (
	"context"

	"github.com/twmb/franz-go/pkg/sr"
)

// Source gives a schema by its name. A NoSchema is an answer too; another error says that the source can't be asked.
type Source func(ctx context.Context, name Name) (*Text, error)

// Text is a schema as a registry has it, with the texts of all schemas that it refers to, by name.
type Text struct {
	Kind       sr.SchemaType
	Text       string
	References map[string]string
}

// NoSchema says why there is no schema of a name: what is wrong with the records that carry it.
type NoSchema string

func (e NoSchema) Error() string { return string(e) }
