package ingest

import (
	"context"

	"github.com/twmb/franz-go/pkg/sr"
)

// schemaSource gives a schema by its name. A noSchema is an answer too; another error says that the source can't be asked.
type schemaSource func(ctx context.Context, name schemaName) (*schemaText, error)

// schemaText is a schema as a registry has it, with the texts of all schemas that it refers to, by name.
type schemaText struct {
	kind       sr.SchemaType
	text       string
	references map[string]string
}

// noSchema says why there is no schema of a name: what is wrong with the records that carry it.
type noSchema string

func (e noSchema) Error() string { return string(e) }
