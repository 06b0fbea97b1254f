package models

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// maxFile bounds what is read as a model. DuckDB stores a BLOB of up to 4 GB; models of this size load in minutes.
const maxFile = 1 << 30

// file is where the model's file is.
func (m *declared) file(env *kind.Env) string {
	if filepath.IsAbs(m.path) {
		return m.path
	}
	return filepath.Join(env.DirOf(m.decl), m.path)
}

// open opens the file for use.
func (m *declared) open(env *kind.Env, use func(f *os.File, size int64) error) error {
	f, err := os.Open(m.file(env))
	if err == nil {
		defer f.Close()
		var info fs.FileInfo
		switch info, err = f.Stat(); {
		case err != nil:
		case info.IsDir():
			return m.errorf(code.NoFile, "the model's file %s can't be read: it is a folder", m.path).
				WithHint("FORMAT python takes a folder with model.py, FORMAT mlflow one of MLflow's")
		case !info.Mode().IsRegular(): // a device may have no end
			err = errors.New("it is no file")
		case info.Size() > maxFile:
			return m.errorf(code.BadModel, "%s has %d bytes, and a model may have %d", m.path, info.Size(), maxFile).
				WithHint("save a smaller model")
		default:
			err = use(f, info.Size())
		}
	}
	if err != nil {
		return m.errorf(code.NoFile, "the model's file %s can't be read: %s", m.path, reason(err)).
			WithHint("relative paths start at the script's folder: " + env.DirOf(m.decl)).WithCause(err)
	}
	return nil
}

// folder says whether the model is the files of a folder: those of its format are.
func (m *declared) folder() bool { return pythonFormats[m.pythonFormat()] }

// archived writes the folder as one file.
func (m *declared) archived(env *kind.Env, w io.Writer) error {
	dir := m.file(env)
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return m.errorf(code.BadModel, "%s is a file, and FORMAT %s takes a folder", m.path, m.pythonFormat()).
			WithHint("name the folder that it lies in")
	}
	if err == nil {
		err = writeArchive(w, dir)
	}
	if err != nil {
		return m.errorf(code.NoFile, "the model's folder %s can't be read: %s", m.path, reason(err)).
			WithHint("relative paths start at the script's folder: " + env.DirOf(m.decl)).WithCause(err)
	}
	return nil
}

// read gives the file's bytes; of a folder, those of its archive.
func (m *declared) read(env *kind.Env) (data []byte, err error) {
	if m.folder() {
		var b bytes.Buffer
		err := m.archived(env, &b)
		return b.Bytes(), err
	}
	err = m.open(env, func(f *os.File, size int64) (err error) {
		data = make([]byte, size)
		_, err = io.ReadFull(f, data)
		return err
	})
	return data, err
}

// hash is that of the file, which isn't held.
func (m *declared) hash(env *kind.Env) (string, error) {
	h := sha256.New()
	if m.folder() {
		err := m.archived(env, h)
		return hex.EncodeToString(h.Sum(nil)), err
	}
	err := m.open(env, func(f *os.File, _ int64) error {
		_, err := io.Copy(h, f)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

func hashOf(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// store writes a version's row. a are its other columns; data is nil where the file is large: DuckDB then reads it itself.
func (m *declared) store(ctx context.Context, tx *duck.Tx, env *kind.Env, a duck.Args, data []byte, hash string) error {
	const insert = "INSERT INTO dsql.models (name, version, format, hash, inputs, outputs, tags, created, in_use, options, file) "
	const values = "{name}, {v}, {format}, {hash}, {inputs}, {outputs}, {tags}, {now}, true, {options}, "
	if env.Scratch {
		return tx.Run(ctx, duck.SQL(insert+"SELECT "+values+"''::BLOB", a))
	}
	path := m.file(env)
	if data == nil && !strings.ContainsAny(path, "*?[]{}") { // no pattern
		n, err := tx.Exec(ctx, duck.SQL(insert+"SELECT "+values+"content FROM read_blob({path}) WHERE sha256(content) = {hash}", a,
			duck.Args{"path": path}))
		if err == nil && n != 1 {
			err = m.errorf(code.BadModel, "%s changed while it was read", m.path).
				WithHint("run again when it is written")
		}
		return err
	}
	if data == nil {
		var err error
		if data, err = m.read(env); err != nil {
			return err
		}
		if hashOf(data) != hash {
			return m.errorf(code.BadModel, "%s changed while it was read", m.path).
				WithHint("run again when it is written")
		}
	}
	return tx.ExecBound(ctx, duck.SQL(insert+"VALUES ("+values+"$1)", a), data)
}

func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	var known *sql.Error
	if errors.As(err, &known) {
		return known.Msg
	}
	return err.Error()
}
