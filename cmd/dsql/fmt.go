package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
	"dsql/sqlfmt"
)

type fmtCmd struct {
	Check bool     `help:"Change nothing: name the files that would be changed, and exit with 1 when there are some."`
	Stdin string   `name:"stdin-filename" placeholder:"NAME" help:"What messages call the script that is read from standard input."`
	Files []string `arg:"" optional:"" complete:"script" help:"Scripts, which are written anew; - or none: standard input, to standard output."`
}

func (c *fmtCmd) Run(s *streams) error {
	if len(c.Files) == 0 {
		c.Files = []string{"-"}
	}
	var errs []error
	differs := false
	for _, name := range c.Files {
		changed, err := c.one(s, name)
		if err != nil {
			errs = append(errs, err)
		}
		differs = differs || changed
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if c.Check && differs {
		return errDiffers
	}
	return nil
}

// one lays out a script, and says whether that changes it.
func (c *fmtCmd) one(s *streams, name string) (changed bool, err error) {
	src, err := s.script(name, c.Stdin)
	if err != nil {
		return false, err
	}
	out, err := sqlfmt.Format(src, run.Language.Forms)
	if err != nil {
		return false, err
	}
	switch {
	case c.Check && out != src.Text:
		_, err = fmt.Fprintln(s.out, src.Name)
	case c.Check:
	case name == "-":
		_, err = io.WriteString(s.out, out)
	case out != src.Text:
		err = rewrite(name, out)
	}
	return out != src.Text, err
}

// rewrite puts a text in the place of a file's, whole or not at all.
func rewrite(name, text string) error {
	err := func() error {
		path, err := filepath.EvalSymlinks(name)
		if err != nil {
			return err
		}
		old, err := os.OpenFile(path, os.O_WRONLY, 0) // a file that is not to be written stays, though its folder may be
		if err != nil {
			return err
		}
		info, err := old.Stat()
		if err = errors.Join(err, old.Close()); err != nil {
			return err
		}
		temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
		if err != nil {
			return err
		}
		_, err = temp.WriteString(text)
		err = errors.Join(err, temp.Chmod(info.Mode().Perm()), temp.Close())
		if err == nil {
			err = os.Rename(temp.Name(), path)
		}
		if err != nil {
			return errors.Join(err, os.Remove(temp.Name()))
		}
		return nil
	}()
	if err != nil {
		return sql.Errorf(code.NoRights, "%s can't be written: %s", name, cause(err)).
			WithHint("check the rights of the file and of its folder").WithCause(err)
	}
	return nil
}
