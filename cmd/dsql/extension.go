package main

import (
	"fmt"
	"os"
	"path/filepath"

	"dsql/extension/file"
	"dsql/sql"
	"dsql/sql/code"
)

// extensionFile is what the file has to be called: DuckDB looks for a function of that name in it.
const extensionFile = "dsql.duckdb_extension"

type extensionCmd struct {
	File string `name:"file" placeholder:"FILE" default:"dsql.duckdb_extension" complete:"file" help:"Where it goes: dsql.duckdb_extension, in any folder."`
}

// Run writes the extension, which this build may have.
func (c *extensionCmd) Run(s *streams) error {
	data, err := file.Bytes()
	if err != nil {
		return err
	}
	if data == nil {
		return sql.Errorf(code.NoExtension, "this build of dsql has no extension in it").
			WithHint("make extension builds one that has it, and bin/" + extensionFile + " itself")
	}
	if info, err := os.Stat(c.File); err == nil && info.IsDir() {
		c.File = filepath.Join(c.File, extensionFile)
	}
	if filepath.Base(c.File) != extensionFile {
		return sql.Errorf(code.ExtensionName, "DuckDB loads the extension from a file of no other name than %s", extensionFile).
			WithHint("dsql extension -o " + filepath.Join(filepath.Dir(c.File), extensionFile))
	}
	// A process that has loaded the old one goes on with it.
	temp := c.File + ".new"
	err = os.WriteFile(temp, data, 0o666)
	if err == nil {
		err = os.Rename(temp, c.File)
	}
	if err != nil {
		return sql.Errorf(code.NoRights, "%s can't be written: %s", c.File, cause(err)).
			WithHint("choose a folder that you may write to: -o FILE").WithCause(err)
	}
	path, err := filepath.Abs(c.File)
	if err != nil {
		return err
	}
	if !s.cli.Quiet {
		fmt.Fprintf(s.err, "LOAD '%s' makes models callable in a DuckDB that was opened with allow_unsigned_extensions\n", path)
	}
	return nil
}
