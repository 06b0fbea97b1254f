package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// talk is a command on a terminal of its own.
type talk struct {
	t      *testing.T
	master *os.File
	c      *exec.Cmd
	said   chan string
	got    string // what it wrote and nobody has waited for
}

// openTerminal gives both ends of a new terminal of a size.
func openTerminal(t *testing.T, rows, columns uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminal to be had: ", err)
	}
	ioctl := func(request uintptr, arg unsafe.Pointer) {
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(arg)); e != 0 {
			t.Skip("no terminal to be had: ", e)
		}
	}
	var unlocked int32
	var n uint32
	ioctl(syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	ioctl(syscall.TIOCGPTN, unsafe.Pointer(&n))
	ioctl(syscall.TIOCSWINSZ, unsafe.Pointer(&[4]uint16{rows, columns}))
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminal to be had: ", err)
	}
	return master, slave
}

func startTalk(t *testing.T, dir string, args ...string) *talk {
	t.Helper()
	c := asCommand(t, dir, args...)
	c.Env = append(c.Env, "NO_COLOR=1", "DSQL_HISTORY="+filepath.Join(dir, "history"))
	return talkTo(t, c)
}

// talkTo starts a command on a terminal of 24 lines with 80 columns.
func talkTo(t *testing.T, c *exec.Cmd) *talk {
	t.Helper()
	master, slave := openTerminal(t, 24, 80)
	k := &talk{t: t, master: master, c: c, said: make(chan string, 100)}
	k.c.Env = append(k.c.Env, "TERM=xterm", "COLUMNS=")
	k.c.Stdin, k.c.Stdout, k.c.Stderr = slave, slave, slave
	k.c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := k.c.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	go func() {
		defer close(k.said)
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			if err != nil {
				return
			}
			k.said <- string(b[:n])
		}
	}()
	t.Cleanup(func() { master.Close() })
	return k
}

// expect waits until the command has written a text, and gives all up to it.
func (k *talk) expect(text string) string {
	k.t.Helper()
	for after := time.After(20 * time.Second); ; {
		if before, rest, ok := strings.Cut(k.got, text); ok {
			k.got = rest
			return before + text
		}
		select {
		case more, ok := <-k.said:
			if !ok {
				k.t.Fatalf("it ended, and wrote %q before %q", k.got, text)
			}
			k.got += more
		case <-after:
			k.t.Fatalf("it wrote %q, and not %q", k.got, text)
		}
	}
}

// echoes says whether the terminal writes what is typed by itself.
func (k *talk) echoes() bool {
	k.t.Helper()
	var mode syscall.Termios
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, k.master.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&mode))); e != 0 {
		k.t.Fatal(e)
	}
	return mode.Lflag&syscall.ECHO != 0
}

func (k *talk) write(keys string) {
	k.t.Helper()
	if _, err := k.master.WriteString(keys); err != nil {
		k.t.Fatal(err)
	}
}

// interrupt writes Ctrl-C until what runs says that it was interrupted.
func (k *talk) interrupt() {
	k.t.Helper()
	ended := make(chan bool)
	go func() { // one that comes before it runs is none
		for again := time.NewTicker(50 * time.Millisecond); ; {
			select {
			case <-ended:
				again.Stop()
				return
			case <-again.C:
				_, _ = k.master.WriteString("\x03")
			}
		}
	}()
	k.expect("[interrupted]")
	close(ended)
}

const prompt, more = "\r\ndsql> ", "\r\n   -> "

// enter writes a line and gives what comes up to the next prompt.
func (k *talk) enter(line string) string {
	k.t.Helper()
	k.write(line + "\r")
	out := k.expect(prompt)
	return strings.ReplaceAll(out, "\r\n", "\n")
}

// said are lines of a conversation, with a part of what comes of each, and what doesn't.
var said = []struct{ line, want, never string }{
	{"SELECT *, repeat('x', 300) AS x FROM people;", "\n 1  日本語         1  xxx", "xxxxx\n"},
	{"SELECT name, 7 AS n FROM people;", "\n日本語  7\na 😀    7\né\u0301", ""},
	{".mode csv", "", ""},
	{"SELECT count(*) AS n FROM people;", "\nn\n3\n", "─"},
	{".timing on", "", ""},
	{"SELECT 5 AS five;", "\nfive\n5\n0.0", ""},
	{".timing off", "", ""},
	{".tables", "people,stream", ""},
	{".help CREATE STREAM", "CREATE [OR REPLACE] STREAM", ""},
	{".hlp", "did you mean .help?", ""},
	{"SELECT nothing FROM people;", "shell:1:8: error: ", ""},
	{"DROP TABLE people;", "[in-use]", ""},
	{"SET integer_division = true;", "", "error"},
	{"BEGIN;", "", "error"},
	{"CREATE TABLE mine AS SELECT 7 / 2 AS half;", "", "error"},
	{"REFRESH;", "[in-transaction]", ""},
	{"ROLLBACK;", "", "error"},
	{"SELECT * FROM mine;", "[duckdb-catalog]", ""},
	{"SELECT 7 / 2 AS half;", "\nhalf\n3\n", ""},
	{"SHOW STREAMS;", "people,s_in", ""},
	{"REFRESH;", "nothing new", ""},
}

// typed are keys, and what stands behind the prompt then: what is alone is put in by Tab, of several the first.
var typed = []struct{ keys, want string }{
	{"CREATE STR\t", "CREATE STREAM"}, {"CREATE STREAM x RULES (CONSTRAINT c EXPECT (a) ON VIO\t", "ON VIOLATION"}, {"DROP STREAM peo\t", "DROP STREAM people"},
	{"SELECT nam\t", "SELECT name"}, {"FROM peo\t", "FROM people"}, {"CREATE MODEL m FROM 'x' FORMAT \t\t", "lightgbm"}, {".mo\t", ".mode"},
}

// A conversation: entries of several lines, results as wide as the terminal, completion by the syntax table, of names and by DuckDB, Ctrl-C
// at the prompt and while a query runs, transactions and settings that stay, history in the next one.
func TestShell(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "in", "a.csv"), "id,name\n1,日本語\n2,a 😀\n3,e\u0301\n")
	k := startTalk(t, dir, "shell", "--db", "x.duckdb")
	k.expect("dsql on x.duckdb")
	k.expect(prompt)
	k.enter("CREATE SOURCE s_in (id INTEGER, name VARCHAR) FROM FILES ('in/*.csv', format csv);")
	k.write("CREATE STREAM people\r")
	k.expect(more)
	if out := k.enter("FROM s_in; -- loads it"); !strings.Contains(out, "declared stream people") || !strings.Contains(out, "3 rows written") {
		t.Errorf("%q", out)
	}
	for _, x := range said {
		out := strings.ReplaceAll(k.enter(x.line), "e\u0301", "é\u0301")
		_, out, _ = strings.Cut(out, "\n") // behind the line itself
		if !strings.Contains("\n"+out, x.want) || x.never != "" && strings.Contains(out, x.never) {
			t.Errorf("%s: %q", x.line, out)
		}
		for line := range strings.Lines(out) {
			if width(strings.TrimRight(line, "\n")) > 80 && !strings.HasPrefix(x.line, ".help") && strings.Contains(line, "xxx") {
				t.Errorf("a line of %d columns: %q", width(line), line)
			}
		}
	}

	for _, x := range typed {
		k.write(x.keys)
		k.expect(x.want)
		k.write("\x03")
		k.expect("^C" + prompt)
	}
	k.write("SELECT (1\r")
	k.expect(more)
	k.write("+ 2") // the prompt stands before the editor takes keys: until then Ctrl-C is a signal, and nobody's
	k.expect("+ 2")
	k.write("\x03")
	k.expect("^C" + prompt)

	// A query that would take hours is ended, and the conversation goes on.
	k.write("SELECT count(*) FROM range(100000000000) a, range(100000) b;\r")
	k.interrupt()
	k.write("\r")
	k.expect(prompt)
	k.write("SELECT 1 AS one;\r")
	k.expect("\r\none\r\n1")
	k.expect(prompt)
	k.write("\x04")
	for range k.said {
	}
	if err := k.c.Wait(); err != nil {
		t.Error(err)
	}
	if h := read(t, filepath.Join(dir, "history")); !strings.Contains(h, "CREATE STREAM people FROM s_in;\n") {
		t.Errorf("history: %q", h)
	}

	k = startTalk(t, dir, "shell")
	k.expect(prompt)
	k.write("\x1b[A") // up
	k.expect("SELECT 1 AS one;")
	k.write("\r")
	k.expect("\r\none\r\n")
	k.expect(prompt)
	k.write(".exit\r")
	for range k.said {
	}
	if err := k.c.Wait(); err != nil {
		t.Error(err)
	}
}

// SIGTERM ends a shell that waits for a line: the terminal is as it was before, what was entered is in the history.
func TestShellEndsAtThePrompt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k := startTalk(t, dir, "shell", "--db", "x.duckdb")
	k.expect(prompt)
	k.enter("SELECT 1 AS one;")
	k.write("SELECT 2")
	k.expect("SELECT 2")
	if k.echoes() {
		t.Error("the terminal echoes while a line is edited")
	}
	if err := k.c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	k.expect("interrupted: what was not committed is rolled back [interrupted]\r\n")
	if !k.echoes() {
		t.Error("the terminal is left as the editor has it")
	}
	for range k.said {
	}
	_ = k.c.Wait()
	if code := k.c.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	if h := read(t, filepath.Join(dir, "history")); h != "SELECT 1 AS one;\n" {
		t.Errorf("history: %q", h)
	}
}

// What --prune asks: y drops, all else leaves all as it was, and runs nothing; Ctrl-C is no answer.
func TestPruneAsks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "in", "1.csv"), "id\n1\n")
	put(t, filepath.Join(dir, "all.sql"), "CREATE SOURCE s (id INTEGER) FROM FILES ('in/*.csv', format csv);\nCREATE STREAM a FROM s;\nCREATE STREAM b FROM s;\n")
	put(t, filepath.Join(dir, "fewer.sql"), "CREATE SOURCE s (id INTEGER) FROM FILES ('in/*.csv', format csv);\nCREATE STREAM a FROM s;\n")
	if out, err := asCommand(t, dir, "run", "-q", "all.sql", "--db", "x.duckdb").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	put(t, filepath.Join(dir, "in", "2.csv"), "id\n2\n")
	for _, x := range []struct {
		keys, want, rows string
		code             int
	}{
		{"\r", "nothing was dropped, and nothing was run [not-pruned]", "1,1", 80},
		{"no\r", "[not-pruned]", "1,1", 80},
		{"yes, but\r", "[not-pruned]", "1,1", 80},
		{"\x04", "[not-pruned]", "1,1", 80},
		{"\x03", "[interrupted]", "1,1", 130},
		{"Y\r", "dropped stream b", "2,", 0},
		{"", "nothing new", "2,", 0}, // there is nothing to ask any more
	} {
		k := startTalk(t, dir, "run", "fewer.sql", "--db", "x.duckdb", "--prune")
		if x.keys != "" {
			k.expect("drop stream b with all that is stored of them? [y/N] ")
			k.write(x.keys)
		}
		k.expect(x.want)
		for range k.said {
		}
		_ = k.c.Wait()
		if code := k.c.ProcessState.ExitCode(); code != x.code {
			t.Errorf("%q: exit code %d, want %d", x.keys, code, x.code)
		}
		out, err := asCommand(t, dir, "query", "-o", "csv", "SELECT (SELECT count(*) FROM a) || ',' || coalesce((SELECT estimated_size::VARCHAR "+
			"FROM duckdb_tables() WHERE table_name = 'b'), '') AS rows").CombinedOutput()
		if want := "rows\n\"" + x.rows + "\"\n"; string(out) != want || err != nil {
			t.Errorf("%q: %v %q, want %q", x.keys, err, out, want)
		}
	}
}
