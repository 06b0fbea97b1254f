package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/models/load"
	"dsql/models/model"
	"dsql/sql/code"
)

// maxFile bounds what is read as a model. DuckDB stores a BLOB of up to 4 GB; models of this size load in minutes.
const maxFile = 1 << 30

// large files are never held beside what is made of them.
func large(size int) bool { return size > 8<<20 }

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

// read gives the file's bytes.
func (m *declared) read(env *kind.Env) (data []byte, err error) {
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

// loadSparing is Load. Of a large file the arrays of each tree are garbage at once, which must not pile up to twice of all.
func loadSparing(data []byte, opt model.Options) (*model.Model, error) {
	if large(len(data)) {
		defer debug.SetGCPercent(debug.SetGCPercent(20))
	}
	return load.Load(data, opt)
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
	return err.Error()
}
