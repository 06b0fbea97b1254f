package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dsql/pipeline/look"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

type reportCmd struct {
	fileArgs
	File   string   `name:"file" placeholder:"FILE" complete:"file" help:"Where it goes; - is standard output. By default the DuckDB file's name, with .html."`
	Select []string `placeholder:"NAME" complete:"name" help:"Only these objects; may be given several times."`
	Key    []string `placeholder:"VALUE" help:"The life of a key of the journal selected: its value, once for each key column."`
}

func (c *reportCmd) Run(ctx context.Context, s *streams) error {
	return c.inspect(ctx, s, func(o program.Options) error {
		var b bytes.Buffer // what fails half way leaves no half file
		if err := look.Report(ctx, o, look.Ask{Select: c.Select, Key: c.Key, Now: time.Now().UTC()}, &b); err != nil {
			return err
		}
		switch c.File {
		case "":
			c.File = strings.TrimSuffix(o.DB, filepath.Ext(o.DB)) + ".html"
		case "-":
			_, err := s.out.Write(b.Bytes())
			return err
		}
		if err := os.WriteFile(c.File, b.Bytes(), 0o666); err != nil {
			return sql.Errorf(code.NoRights, "%s can't be written: %s", c.File, cause(err)).
				WithHint("choose a folder that you may write to: -o FILE").WithCause(err)
		}
		return nil
	})
}

// toFile: of a command that writes a file -o is that file, not the format of results.
func toFile(args []string) []string {
	i := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	if i < 0 || !writesFile(args[i]) {
		return args
	}
	out := slices.Clone(args)
	for ; i < len(out) && out[i] != "--"; i++ {
		rest, short := strings.CutPrefix(out[i], "-o")
		if !short {
			var long bool
			if rest, long = strings.CutPrefix(out[i], "--output"); !long {
				continue
			}
		}
		if rest = strings.TrimPrefix(rest, "="); rest != "" {
			rest = "=" + rest
		}
		out[i] = "--file" + rest
	}
	return out
}
