package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// mayPrune asks before --prune drops something, on a terminal; elsewhere --yes must have said so.
func (c *runCmd) mayPrune(ctx context.Context, s *streams, o program.Options) error {
	if !c.Prune || c.Yes || c.DryRun {
		return nil
	}
	o.Events = nil
	left, err := program.Leaves(ctx, o)
	if err != nil || len(left) == 0 {
		return err
	}
	what := strings.Join(left, ", ")
	in, isFile := s.in.(*os.File)
	if !isFile {
		return needsYes(what)
	}
	if _, tty := terminal(in); !tty {
		return needsYes(what)
	}
	fmt.Fprintf(s.err, "drop %s with all that is stored of them? [y/N] ", what)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err == nil && strings.EqualFold(strings.TrimSpace(answer), "y") {
		return nil
	}
	return sql.Errorf(code.NotPruned, "nothing was dropped, and nothing was run").WithHint("leave --prune out to run the script all the same")
}

func needsYes(what string) error {
	return sql.Errorf(code.NotPruned, "--prune would drop %s with all that is stored of them", what).
		WithHint("add --yes; `--dry-run` shows what each stores")
}
