package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// onTerminal runs the command on a terminal of 60 columns and gives what it wrote there.
func onTerminal(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	return onTerminalOf(t, 24, 60, dir, env, args...)
}

func onTerminalOf(t *testing.T, rows, columns uint16, dir string, env []string, args ...string) string {
	t.Helper()
	master, slave := openTerminal(t, rows, columns)
	defer master.Close()
	c := asCommand(t, dir, args...)
	c.Env = append(append(c.Env, "TERM=xterm", "NO_COLOR=", "COLUMNS="), env...)
	c.Stdout, c.Stderr = slave, slave
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	var out bytes.Buffer
	io.Copy(&out, master) // ends with an error when the command has closed the terminal
	if err := c.Wait(); err != nil {
		t.Errorf("%q: %v\n%s", args, err, out.String())
	}
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}

// On a terminal a table is cut to its width and to a number of rows, and NULL is dim; NO_COLOR and COLUMNS are heeded. A run keeps
// one line up to date that never wraps, and takes it away.
func TestTerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "s.sql"),
		"CREATE SOURCE s (id INTEGER) FROM FILES ('in/{day}-{a_long_name_of_a_capture}.csv', format csv, header true);\nCREATE STREAM t FROM s;\n")
	for day := range 9 {
		put(t, filepath.Join(dir, "in", fmt.Sprintf("%d-%s.csv", day, strings.Repeat("long", 20))), "id\n1\nx\n")
	}
	out := onTerminal(t, dir, nil, "run", "s.sql")
	if last := strings.LastIndex(out, eraseLine); last < 0 || !strings.HasPrefix(out[last+len(eraseLine):], "9 versions, 18 records in ") {
		t.Errorf("the last line is not alone:\n%q", out)
	}
	drawn := 0
	for _, line := range strings.Split(out, eraseLine) {
		if !strings.Contains(line, "\n") && line != "" {
			drawn++
			if width(line) >= 60 || !strings.HasPrefix(line, "[") && !strings.HasPrefix(line, "s: ") {
				t.Errorf("a line of %d columns: %q", width(line), line)
			}
		}
	}
	if drawn < 9 {
		t.Errorf("%d lines were drawn for 9 versions", drawn)
	}

	query := "SELECT i, NULL AS n, repeat('日本', 50) AS wide, chr(27) || '[31m' AS escape FROM range(1234) r(i)"
	table := strings.Split(onTerminal(t, dir, nil, "query", query), "\n")
	if len(table) != maxShown+4 || table[len(table)-2] != "(1,234 rows, the first 200 shown; --output csv gives all)" {
		t.Errorf("%d lines, the last %q", len(table), table[len(table)-2])
	}
	if row := table[2]; !strings.Contains(row, dimmed("NULL")) || !strings.Contains(row, "…  ") || !strings.Contains(row, `\x1b[31m`) ||
		width(strings.NewReplacer("\x1b[2m", "", "\x1b[0m", "").Replace(row)) > 60 {
		t.Errorf("%q", row)
	}
	var many []string
	for i := range 15 {
		many = append(many, fmt.Sprintf("repeat('long', 9) AS c%d", i))
	}
	wide := onTerminal(t, dir, []string{"NO_COLOR=1"}, "query", "SELECT "+strings.Join(many, ", "))
	for line := range strings.Lines(wide) {
		if width(strings.TrimSpace(line)) > 60 {
			t.Errorf("a line of %d columns: %q", width(line), line)
		}
	}
	if !strings.HasPrefix(wide, "c0 ") || !strings.Contains(wide, "  …  ") || !strings.Contains(wide, "c14") ||
		!strings.HasSuffix(wide, "(15 columns, 5 shown; --output csv gives all)\n") {
		t.Errorf("15 columns:\n%s", wide)
	}
	if out := onTerminal(t, dir, []string{"NO_COLOR=1"}, "query", query); strings.Contains(out, "\x1b") {
		t.Errorf("NO_COLOR: %.300q", out)
	}
	if out := onTerminal(t, dir, []string{"NO_COLOR=1", "COLUMNS=200"}, "query", query); !strings.Contains(out, strings.Repeat("日本", 40)) {
		t.Errorf("COLUMNS: %.300q", out)
	}
}

// On terminals of usual sizes a table is as wide as they are at most and its columns stand below each other, whatever runes are in it; the
// bar of a run leaves nothing behind.
func TestTerminalSizes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "s.sql"), "CREATE SOURCE s (id INTEGER) FROM FILES ('in/*.csv', format csv, header true);\nCREATE STREAM t FROM s;\n")
	for day := range 5 {
		put(t, filepath.Join(dir, "in", fmt.Sprintf("%d-%s.csv", day, strings.Repeat("日本✅", 20))), "id\n1\n")
	}
	texts := []string{"plain", "日本語", "✅ done", "👩\u200D👩\u200D👧", "🇩🇪", "e\u0301", "한국", "🫠⭐", strings.Repeat("日本✅", 90)}
	for _, size := range [][2]uint16{{24, 80}, {50, 200}} {
		columns := int(size[1])
		screen := strings.Split(onTerminalOf(t, size[0], size[1], dir, nil, "run", "s.sql", "--db", fmt.Sprint(columns)+".duckdb"), eraseLine)
		for _, line := range screen {
			if !strings.Contains(line, "\n") && width(line) >= columns {
				t.Errorf("a line of %d columns on %d: %q", width(line), columns, line)
			}
		}
		if last := screen[len(screen)-1]; !strings.HasPrefix(last, "5 versions, 5 records in ") || strings.Count(last, "\n") != 1 {
			t.Errorf("the bar left %q", last)
		}
		query := "SELECT name, 7 AS n, repeat('x✅', 200) AS long FROM (VALUES ('" + strings.Join(texts, "'), ('") + "')) v(name)"
		lines := strings.Split(strings.TrimSuffix(onTerminalOf(t, size[0], size[1], dir, []string{"NO_COLOR=1"}, "query", "--db", "80.duckdb", query), "\n"), "\n")
		if len(lines) != 2+len(texts) {
			t.Fatalf("%q", lines)
		}
		before, _, _ := strings.Cut(lines[0], "n  long")
		for _, line := range lines[2:] {
			name, _, ok := strings.Cut(line, "7  x✅x")
			if !ok || width(name) != width(before) || width(line) > columns {
				t.Errorf("on %d columns: the number stands at %d, not %d, in %q", columns, width(name), width(before), line)
			}
		}
		if rule := width(lines[1]); rule != columns {
			t.Errorf("the table has %d columns of %d", rule, columns)
		}
	}
}
