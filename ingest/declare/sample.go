package declare

import (
	"bytes"
	"context"
	"os"
	"path/filepath"

	"dsql/engine/duck"
)

const SampleName = "sample.json"

// SampleFile writes lines of JSON for DuckDB to look at, into a folder that the caller removes.
func SampleFile(lines [][]byte) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "dsql"); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, SampleName), bytes.Join(lines, []byte{'\n'}), 0o600)
}

// Samples find what columns JSON has: a topic asks for it what reads files, as DuckDB reads JSON from files alone.
type Samples struct {
	// Infer gives the columns of a file of JSON.
	Infer func(ctx context.Context, c *duck.Conn, file string) ([]duck.Column, error)
	// Prove gives those of lines of JSON that are wanted of all that DuckDB finds, as it finds them, and as the decoder takes all values of
	// theirs; lost are such as no record has.
	Prove func(ctx context.Context, c *duck.Conn, lines [][]byte, wanted func([]duck.Column) []duck.Column) (found, proved []duck.Column,
		lost []string, err error)
}
