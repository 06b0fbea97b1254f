// Package demo holds the demo in the binary: a bad week of real flights out of Newark as an airline's feed would give them, planes as a
// changing table, weather, a model, and the script that makes something of them; a smaller one, with Python in it; and what a server needs
// where it is run. make/make.py makes the data, and testdata/expected.json, which says what must come of it. What runs the script is no part of this package.
package demo

import (
	"bytes"
	"embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"dsql/sql"
	"dsql/sql/code"
)

//go:embed files/* python/* deploy/*
var embedded embed.FS

// Files is the demo's folder.
func Files() fs.FS { return folder("files") }

// Python is the folder of a small pipeline with a function and a model in Python.
func Python() fs.FS { return folder("python") }

// Deploy is the folder of what a server needs on a machine of its own.
func Deploy() fs.FS { return folder("deploy") }

func folder(name string) fs.FS {
	f, err := fs.Sub(embedded, name)
	if err != nil {
		panic(err) // the folder is embedded: it can't be missing
	}
	return f
}

// Write puts Files, Python or Deploy into a folder, which it makes, and returns the names of all its files, slash separated. A file that is there
// already stays untouched when it is the same; one that differs is an error, before anything is written.
func Write(files fs.FS, dir string) ([]string, error) {
	var names, missing []string
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		names = append(names, name)
		want, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		switch have, err := os.ReadFile(path); {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, name)
		case err != nil:
			return unwritable(path, err)
		case !bytes.Equal(have, want):
			return sql.Errorf(code.FileExists, "%s is there already and differs", path).
				WithHint("choose another folder: dsql init FOLDER")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, name := range missing {
		data, err := fs.ReadFile(files, name)
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
	return sql.Errorf(code.NoRights, "%s can't be written: %s", path, err).WithHint("choose a folder that you may write to").
		WithCause(err)
}
