// Package demo holds the demo in the binary: a week of real flights out of Newark as an airline's feed would give them, planes as a
// changing table, weather, a model, and the script that makes something of them. make/make.py made the data.
package demo

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"dsql/sql"
)

//go:embed all:files
var embedded embed.FS

// Files is the demo's folder.
func Files() fs.FS {
	f, err := fs.Sub(embedded, "files")
	if err != nil {
		panic(err) // the folder is embedded: it can't be missing
	}
	return f
}

// Write puts the demo into a folder, which it makes, and returns the names written. A file that is there and differs is never
// overwritten: that is an error, and nothing is written.
func Write(dir string) ([]string, error) {
	var names []string
	err := fs.WalkDir(Files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		names = append(names, name)
		want, err := fs.ReadFile(Files(), name)
		if err != nil {
			return err
		}
		if have, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err == nil && !bytes.Equal(have, want) {
			return &sql.Error{Code: "file-exists", Exit: sql.ExitFailed, Msg: fmt.Sprintf("%s is there already and differs", filepath.Join(dir, name)), Hint: "choose another folder: dsql init FOLDER"}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := fs.ReadFile(Files(), name)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, unwritable(path, err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return nil, unwritable(path, err)
		}
	}
	return names, nil
}

func unwritable(path string, err error) error {
	return &sql.Error{Code: "no-rights", Exit: sql.ExitUnreachable, Msg: path + " can't be written: " + err.Error(), Hint: "choose a folder that you may write to", Err: err}
}
