// Package file is the extension as it is loaded, in builds that have it: `make extension` compiles it first and the command with the tag
// extension behind it. Others are built by go build alone, and have none.
package file

import (
	"bytes"
	"compress/gzip"
	"io"
)

// Bytes are those of the file that DuckDB loads; nil: this build has none.
func Bytes() ([]byte, error) {
	if packed == nil {
		return nil, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
