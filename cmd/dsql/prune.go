package main

import (
	"bufio"
	"context"
	"fmt"
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
	if _, tty := terminal(s.in); !tty {
		return sql.Errorf(code.NotPruned, "--prune would drop %s with all that is stored of them", what).
			WithHint("add --yes; `--dry-run` shows what each stores")
	}
	fmt.Fprintf(s.err, "drop %s with all that is stored of them? [y/N] ", what)
	said := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(s.in).ReadString('\n') // cut short it is no y
		said <- line
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case answer := <-said:
		if strings.EqualFold(strings.TrimSpace(answer), "y") {
			return nil
		}
	}
	return sql.Errorf(code.NotPruned, "nothing was dropped, and nothing was run").WithHint("leave --prune out to run the script all the same")
}
