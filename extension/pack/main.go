// Command pack makes of a shared library what DuckDB loads: behind it stand, as a section of WebAssembly's form, what the extension is built for
// and room for a signature, which it has none of. What is embedded into the command is the same, compressed.
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

func main() {
	version, embed := flag.String("version", "", "of the extension"), flag.String("embed", "", "where it is written compressed")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: pack -version V [-embed FILE.gz] LIBRARY EXTENSION")
		os.Exit(2)
	}
	if err := pack(flag.Arg(0), flag.Arg(1), *version, *embed); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// api is the version of DuckDB's C API that is asked for, which is as old as the oldest DuckDB that loads the extension.
const api = "v1.2.0"

func pack(library, to, version, embed string) error {
	data, err := os.ReadFile(library)
	if err != nil {
		return err
	}
	data = append(data, "\x00\x93\x04\x10duckdb_signature\x80\x04"...) // a custom section of 531 bytes: its name, and 512 bytes
	for _, field := range [8]string{3: "C_STRUCT", 4: "v" + version, 5: api, 6: platform(), 7: "4"} {
		data = append(data, field...)
		data = append(data, make([]byte, 32-len(field))...)
	}
	data = append(data, make([]byte, 256)...)
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	if err := os.WriteFile(to, data, 0o666); err != nil || embed == "" {
		return err
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(embed, b.Bytes(), 0o666)
}

// platform is DuckDB's name for the machine.
func platform() string {
	system := runtime.GOOS
	if system == "darwin" {
		system = "osx"
	}
	return system + "_" + runtime.GOARCH
}
