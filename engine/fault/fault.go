// Package fault has the points at which tests let a run die or fail; outside of them they cost a load of a pointer.
package fault

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"dsql/sql"
	"dsql/sql/code"
)

// Fault points let tests stop the program at the places where a crash would hurt most. They are off unless the environment
// says DSQL_FAULT=action:name:k, where action is kill, error, panic or delay (100 ms), name is a point's name or *, and k counts the
// passes of that point from 1 (0: every pass). DSQL_FAULT_LOG names a file that gets a line for each point passed.

type faultPlan struct {
	action, name string
	k            int
	log          string
}

var loadFaults = sync.OnceValue(func() faultPlan {
	p := faultPlan{log: os.Getenv("DSQL_FAULT_LOG")}
	if f := strings.Split(os.Getenv("DSQL_FAULT"), ":"); len(f) == 3 {
		p.action, p.name = f[0], f[1]
		p.k, _ = strconv.Atoi(f[2])
	}
	return p
})

var faults struct {
	sync.Mutex
	passes map[string]int
}

// Fault is a named point. It returns an error only when a test asked for one.
func Fault(ctx context.Context, name string) error {
	p := loadFaults()
	if p.action == "" && p.log == "" {
		return nil
	}
	faults.Lock()
	defer faults.Unlock()
	if faults.passes == nil {
		faults.passes = map[string]int{}
	}
	if p.log != "" {
		if f, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
			fmt.Fprintln(f, name)
			_ = f.Close()
		}
	}
	key := name
	if p.name == "*" {
		key = "*"
	} else if p.name != name {
		return nil
	}
	faults.passes[key]++
	if p.k != 0 && faults.passes[key] != p.k {
		return nil
	}
	switch p.action {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "error":
		return sql.Errorf(code.Fault, "a fault was asked for at %s", name)
	case "panic":
		panic("a fault was asked for at " + name)
	case "delay":
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
