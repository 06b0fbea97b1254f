package models

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An archive depends on names and contents alone, leaves out what Python compiled, and unpacks to the same files and nowhere else.
func TestArchive(t *testing.T) {
	t.Parallel()
	files := map[string]string{"model.py": "x = 1\n", "a/b/helper.py": "", "weights.bin": strings.Repeat("\x00\xff", 100_000)}
	write := func(more map[string]string) string {
		dir := t.TempDir()
		for _, set := range []map[string]string{files, more} {
			for name, text := range set {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		return dir
	}
	archive := func(dir string) []byte {
		var b bytes.Buffer
		if err := writeArchive(&b, dir); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	one := write(nil)
	two := write(map[string]string{"__pycache__/model.pyc": "compiled", "a/__pycache__/x.pyc": "compiled"})
	if err := os.Chtimes(filepath.Join(two, "model.py"), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	data := archive(one)
	if !bytes.Equal(data, archive(two)) {
		t.Error("the same files make another archive")
	}
	if bytes.Equal(data, archive(write(map[string]string{"model.py": "x = 2\n"}))) {
		t.Error("other files make the same archive")
	}
	dir := t.TempDir()
	if err := unpack(data, dir); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, archive(dir)) {
		t.Error("what was unpacked differs")
	}
	for _, name := range []string{"../evil.py", "/tmp/evil.py", "a/../../evil.py"} {
		var evil bytes.Buffer
		w := tar.NewWriter(&evil)
		if err := writeFile(w, name, filepath.Join(one, "model.py"), int64(len(files["model.py"]))); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := unpack(evil.Bytes(), t.TempDir()); err == nil || strings.Contains(err.Error(), "tar:") {
			t.Errorf("%s was unpacked beside its folder: %v", name, err)
		}
	}
	if err := writeArchive(&bytes.Buffer{}, filepath.Join(one, "nowhere")); err == nil {
		t.Error("a folder that isn't there was archived")
	}
	if err := os.Symlink("/dev/zero", filepath.Join(one, "endless")); err != nil {
		t.Fatal(err)
	}
	if err := writeArchive(&bytes.Buffer{}, one); err == nil || !strings.Contains(err.Error(), "endless in it is no file") {
		t.Errorf("a device was archived: %v", err)
	}
}
