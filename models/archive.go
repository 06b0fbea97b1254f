package models

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"dsql/engine/duck"
)

// writeArchive writes a folder's files as one that is the same wherever and whenever they were written: its hash is theirs. What Python
// compiles of them is left out.
func writeArchive(w io.Writer, dir string) error {
	t := tar.NewWriter(w)
	left := int64(maxFile)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == "__pycache__":
			return fs.SkipDir
		case e.IsDir():
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := os.Stat(path) // what a link points at
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%s in it is no file", name)
		}
		if err == nil && info.Size() > left {
			err = fmt.Errorf("its files have more than %d bytes, which a model may have", maxFile)
		}
		if err != nil {
			return err
		}
		left -= info.Size()
		return writeFile(t, filepath.ToSlash(name), path, info.Size())
	})
	if err != nil {
		return err
	}
	return t.Close()
}

func writeFile(t *tar.Writer, name, path string, size int64) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size, Format: tar.FormatPAX}); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(t, f)
	return err
}

// unpack writes an archive's files into a folder, and nowhere else.
func unpack(data []byte, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for t := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if i := strings.LastIndexByte(h.Name, '/'); i > 0 {
			if err := root.MkdirAll(h.Name[:i], 0o755); err != nil {
				return err
			}
		}
		content, err := io.ReadAll(t)
		if err == nil {
			err = root.WriteFile(h.Name, content, 0o644)
		}
		if err != nil {
			return err
		}
	}
}

// unpacked are the models that stand in temporary folders, where Python can read them, until their database is closed.
var unpacked struct {
	sync.Mutex
	of map[*duck.DB]map[string]string // folders by hash
}

// onDisk is the path of a model as Python reads it: a file, or a folder.
func onDisk(db *duck.DB, hash string, folder bool, content func() ([]byte, error)) (string, error) {
	unpacked.Lock()
	defer unpacked.Unlock()
	file := func(dir string) string {
		if folder {
			return dir
		}
		return filepath.Join(dir, "model")
	}
	if dir, ok := unpacked.of[db][hash]; ok {
		return file(dir), nil
	}
	data, err := content()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "dsql-model-")
	if err != nil {
		return "", err
	}
	if folder {
		err = unpack(data, dir)
	} else {
		err = os.WriteFile(file(dir), data, 0o644)
	}
	if err != nil {
		return "", fmt.Errorf("the model can't be unpacked: %w", errors.Join(err, os.RemoveAll(dir)))
	}
	if unpacked.of == nil {
		unpacked.of = map[*duck.DB]map[string]string{}
	}
	if unpacked.of[db] == nil {
		unpacked.of[db] = map[string]string{}
		db.OnClose(func() { forget(db) })
	}
	unpacked.of[db][hash] = dir
	return file(dir), nil
}

// forget removes what was unpacked of a database. What can't be removed stays in the folder for temporary files.
func forget(db *duck.DB) {
	unpacked.Lock()
	defer unpacked.Unlock()
	for _, dir := range unpacked.of[db] {
		os.RemoveAll(dir)
	}
	delete(unpacked.of, db)
}
