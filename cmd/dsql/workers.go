package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// `run --workers n` is n times `run --share k/n`: processes that know nothing of each other, each with a file of its own. The command starts
// them, hands their lines on and signals over, and waits. Nothing of it has to go well for a row to be right: each share goes on by itself.

// mostShares is far more than a machine has processes for.
const mostShares = 4096

// shareOf understands --share: 2/4.
func shareOf(text string) (*kind.Share, error) {
	k, n, ok := strings.Cut(text, "/")
	number, err := strconv.ParseInt(k, 10, 64)
	of, err2 := strconv.ParseInt(n, 10, 64)
	if !ok || errors.Join(err, err2) != nil || number < 1 || number > of || of > mostShares {
		return nil, sql.Errorf(code.Usage, "--share %s is none", text).WithHint("the second of four is --share 2/4")
	}
	return &kind.Share{Number: number, Of: of}, nil
}

// shareFile is the file of a share: orders.2-of-4.duckdb beside orders.duckdb.
func shareFile(db string, s *kind.Share) string {
	ext := filepath.Ext(db)
	return strings.TrimSuffix(db, ext) + "." + s.String() + ext
}

// shares gives options what --share says.
func (c *runCmd) shares(s *streams, o *program.Options) (err error) {
	if c.Among > 0 {
		o.Among = c.Among
		endWith(s.in)
	}
	if c.Share == "" {
		return nil
	}
	if o.Share, err = shareOf(c.Share); err == nil {
		o.DB = shareFile(o.DB, o.Share)
	}
	return err
}

// endWith ends the process as SIGTERM does when who started it is gone: its end of a pipe is closed then, whatever became of it.
func endWith(in io.Reader) {
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
}

// workers runs all shares.
func (c *runCmd) workers(ctx context.Context, s *streams) error {
	for flag, given := range map[string]bool{"--share": c.Share != "", "--dry-run": c.DryRun, "--snapshot": c.Snapshot != "", "--trace": c.Trace != ""} {
		if given {
			return sql.Errorf(code.Usage, "%s is of one process, and --workers starts several", flag).
				WithHint("run one of them by itself: --share 1/" + fmt.Sprint(c.Workers))
		}
	}
	if c.Workers < 1 || c.Workers > mostShares {
		return sql.Errorf(code.Usage, "--workers %d: no such number of processes is started", c.Workers).WithHint("as many as the machine has cores, at most")
	}
	o, err := c.options(s)
	if err != nil {
		return err
	}
	for _, name := range c.Script {
		if name == "-" {
			return sql.Errorf(code.Usage, "several processes can't read a script from standard input").WithHint("write it into a file")
		}
	}
	db := o.DB
	o.Share = &kind.Share{Number: 1, Of: int64(c.Workers)}
	o.DB = shareFile(db, o.Share)
	if _, err := program.Check(ctx, o); err != nil { // what is wrong is told once
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	stop := s.batchEnd(func() { fmt.Fprintln(s.err, "stopping: each process finishes the batch in hand") })
	var all []*share
	for k := range c.Workers {
		w := &share{number: k + 1, of: c.Workers, s: s, cmd: exec.Command(self, c.shareArgs(k+1, s)...)}
		if err := w.start(c.left); err != nil {
			for _, w := range all {
				w.signal(syscall.SIGTERM)
				_ = w.wait()
			}
			return err
		}
		all = append(all, w)
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		for _, heard := range []<-chan struct{}{stop, ctx.Done()} {
			select {
			case <-done:
				return
			case <-heard:
			}
			for _, w := range all {
				if s.signals.ended.Load() {
					w.signal(syscall.SIGTERM)
				} else {
					w.signal(syscall.SIGINT)
				}
			}
		}
	}()
	return ended(all)
}

// ended waits for all; the exit code is the first that isn't 0.
func ended(all []*share) error {
	var first error
	for _, w := range all {
		if status := w.wait(); status != 0 {
			fmt.Fprintf(w.s.err, "share %d of %d ended with exit code %d\n", w.number, w.of, status)
			if first == nil {
				first = reported{status}
			}
		}
	}
	return first
}

// shareArgs is the command line of a share.
func (c *runCmd) shareArgs(number int, s *streams) []string {
	args := append([]string{"run"}, c.Script...)
	args = append(args, fmt.Sprintf("--share=%d/%d", number, c.Workers), fmt.Sprintf("--among=%d", c.Workers), "--color=never", "--events="+c.Events)
	if c.DB != "" {
		args = append(args, "--db="+c.DB)
	}
	for _, v := range c.Set {
		args = append(args, "--set="+v)
	}
	for _, v := range c.Select {
		args = append(args, "--select="+v)
	}
	for flag, given := range map[string]bool{"--follow": c.Follow, "--prune": c.Prune, "--yes": c.Yes, "--quiet": s.cli.Quiet} {
		if given {
			args = append(args, flag)
		}
	}
	if s.cli.Profile != "" {
		args = append(args, "--profile="+s.cli.Profile)
	}
	return args
}

// share is a process that runs one.
type share struct {
	number, of int
	s          *streams
	cmd        *exec.Cmd
	in         io.Closer // when it is closed the process ends
	lines      sync.WaitGroup
}

func (w *share) start(dir string) (err error) {
	w.cmd.Dir = dir
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C comes over this process, and once
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	told, err := w.cmd.StderrPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		return err
	}
	w.lines.Add(2)
	go w.hand(out, w.s.out)
	go w.hand(told, w.s.err)
	return nil
}

// oneLine keeps lines of several processes apart.
var oneLine sync.Mutex

// hand hands lines on, each with whose it is.
func (w *share) hand(from io.Reader, to io.Writer) {
	defer w.lines.Done()
	r := bufio.NewReader(from)
	for {
		line, err := r.ReadBytes('\n')
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			head := fmt.Sprintf("[%d] ", w.number)
			if line[0] == '{' && to == w.s.err { // --events jsonl
				head, line = fmt.Sprintf(`{"share":%d,`, w.number), line[1:]
			}
			oneLine.Lock()
			fmt.Fprintf(to, "%s%s\n", head, line)
			oneLine.Unlock()
		}
		if err != nil {
			return
		}
	}
}

func (w *share) signal(sig os.Signal) { _ = w.cmd.Process.Signal(sig) }

// wait is the exit code.
func (w *share) wait() int {
	w.lines.Wait()
	_ = w.cmd.Wait()
	_ = w.in.Close()
	if status := w.cmd.ProcessState.ExitCode(); status >= 0 {
		return status
	}
	return code.ExitFailed // by a signal
}
