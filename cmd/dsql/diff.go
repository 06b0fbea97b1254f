package main

import (
	"context"
	"errors"
	"strconv"

	"dsql/pipeline/look"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

type diffCmd struct {
	fileArgs
	Name     string   `arg:"" complete:"name:stream,journal,rollup" help:"A stream, journal or rollup; or a table, a file, x.duckdb:t."`
	Second   string   `arg:"" name:"v1|b" help:"The old version, 0 is before the first; or the other table."`
	Third    *int64   `arg:"" optional:"" name:"v2" help:"The new version."`
	On       []string `placeholder:"KEY" help:"Compare two tables by these columns."`
	By       []string `placeholder:"COLUMN" help:"Compare sums of each group of these columns too."`
	Abs      float64  `placeholder:"X" help:"Numbers that lie no further apart are alike."`
	Rel      float64  `placeholder:"Y" help:"The same as a share of the larger one."`
	Limit    int      `default:"20" help:"How many keys that differ are shown, where the output is a table; 0: all."`
	ExitCode bool     `help:"Exit with 1 when there is a difference."`
}

var errDiffers = errors.New("there is a difference")

func (c *diffCmd) Run(ctx context.Context, s *streams) error {
	differs := false
	compare, err := c.meant()
	if err != nil {
		return err
	}
	rowsOnly := s.cli.Output != "table"
	if !compare {
		s.paint = paintChange
	}
	c.outside = compare && look.OfFiles(c.Name, c.Second)
	err = c.inspect(ctx, s, func(o program.Options) (err error) {
		if !compare {
			v1, _ := strconv.ParseInt(c.Second, 10, 64)
			differs, err = look.Diff(ctx, o, c.Name, v1, *c.Third, rowsOnly)
			return err
		}
		what := look.Comparison{A: c.Name, B: c.Second, On: c.On, By: c.By, Abs: c.Abs, Rel: c.Rel, RowsOnly: rowsOnly}
		if !rowsOnly {
			what.Limit = c.Limit
		}
		differs, err = look.Compare(ctx, o, what)
		return err
	})
	if err == nil && differs && c.ExitCode {
		return errDiffers
	}
	return err
}

// meant: two tables are compared, rather than two versions of one.
func (c *diffCmd) meant() (tables bool, err error) {
	_, number := strconv.ParseInt(c.Second, 10, 64)
	wrong := func(why, hint string) error { return sql.Errorf(code.Usage, "%s", why).WithHint(hint) }
	switch {
	case c.Third != nil && number != nil:
		return false, wrong(c.Second+" is no version", "dsql diff NAME V1 V2 compares versions, dsql diff A B --on KEY tables")
	case c.Third != nil && (len(c.On)+len(c.By) > 0 || c.Abs != 0 || c.Rel != 0):
		return false, wrong("--on, --by, --abs and --rel are for two tables", "dsql diff NAME V1 V2 compares versions, dsql diff A B --on KEY tables")
	case c.Third == nil && number == nil:
		return false, wrong("which versions? There is one", "dsql diff NAME V1 V2; 0 is before the first")
	case c.Third == nil && len(c.On) == 0:
		return false, wrong("two tables are compared by a key", "add --on KEY (--on a,b for a key of several columns)")
	case c.Abs < 0 || c.Rel < 0:
		return false, wrong("a tolerance isn't negative", "--abs 0.01 --rel 1e-6")
	}
	return c.Third == nil, nil
}

// paintChange colours the rows of a difference by what became of them, and of the new state of a changed row the values that are
// others now. Rows come with their change_type first; before is the row above.
func paintChange(before, row []cell, i int) string {
	const red, green, yellow = "\x1b[31m", "\x1b[32m", "\x1b[33m"
	switch row[0].text {
	case "insert":
		return green
	case "delete":
		return red
	case "update_before":
		if i == 0 {
			return red
		}
	case "update_after":
		if i == 0 || len(before) == len(row) && before[i] != row[i] {
			return yellow
		}
	}
	return ""
}
