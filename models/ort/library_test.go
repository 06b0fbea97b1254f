package ort

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What a path holds is found out before the binding is handed it: no file, no library, another library, one that is too old or too
// new, and one that tells a version which says nothing. After each the next path may be tried.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("there is no C compiler to make libraries with")
	}
	dir := t.TempDir()
	build := func(name, code string) string {
		src, lib := filepath.Join(dir, name+".c"), filepath.Join(dir, name+".so")
		if err := os.WriteFile(src, []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(cc, "-shared", "-fPIC", "-o", lib, src).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return lib
	}
	says := func(version string) string {
		return `static const void *api(unsigned v) { return 0; }
static const char *version(void) { return "` + version + `"; }
static const struct { const void *(*a)(unsigned); const char *(*v)(void); } base = { api, version };
const void *OrtGetApiBase(void) { return &base; }`
	}
	text := filepath.Join(dir, "text.so")
	if err := os.WriteFile(text, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{filepath.Join(dir, "nothing.so"), ""},
		{dir, ""},
		{text, ""},
		{build("other", "int x;"), "not onnxruntime"},
		{build("old", says("1.23.2")), "it is onnxruntime 1.23.2, and 1.24 or a later 1.x is needed"},
		{build("new", says("2.0.0")), "it is onnxruntime 2.0.0"},
		{build("odd", says("dev")), "it is onnxruntime dev"},
		{build("empty", says("1.24.0")), "ORT API base"}, // no functions of that version behind it
	} {
		v, err := Open(c.path)
		if err == nil || v != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: version %q, error %v, want %q", filepath.Base(c.path), v, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), c.path) && c.want != "ORT API base" {
			t.Errorf("%s: the error names the path, which the caller does: %v", filepath.Base(c.path), err)
		}
	}
}
