package kind

import (
	"context"
	"time"

	"dsql/engine/duck"
)

// Bad records of a source, decoded again.

// BadRecord is a bad record of a source as dsql.rejects has it.
type BadRecord struct {
	ID           int64
	Payload, Key []byte // nil: none
	Opening      string // of a file that can't be read without: how it began
	File, Topic  string
	Partition    int32
	Offset       int64
	Time         time.Time // the zero Time: none
	Headers      []struct {
		Key   string  `json:"k"`
		Value *string `json:"v"` // hexadecimal
	}
}

// Redecoded is a batch of records that were bad, decoded anew. Its relations have no coordinates of their own: ID, over _meta, is the
// reject that a record is of.
type Redecoded struct {
	Input *Input
	ID    *duck.Query
	Took  int    // so many of the records given
	Close func() // when the batch has been released
}

// Redecoder is a source that can decode again, by the declaration of now, what it rejected: as many of the records as make a batch.
type Redecoder interface {
	Redecode(ctx context.Context, c *duck.Conn, env *Env, cols []duck.Column, records []BadRecord) (*Redecoded, error)
}
