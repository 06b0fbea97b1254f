package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"dsql/engine"
)

// show prints a result to stdout in the format asked for, row by row but for tables, which are laid out first.
func (s *streams) show(ctx context.Context, r *engine.Result) error {
	w := bufio.NewWriterSize(s.out, 1<<16)
	var err error
	switch s.cli.Output {
	case "json":
		err = writeJSON(w, r, "[\n", ",\n", "\n]\n")
	case "jsonl":
		err = writeJSON(w, r, "", "\n", "\n")
	case "csv":
		err = writeCSV(w, r)
	case "markdown":
		err = writeMarkdown(w, r)
	default:
		if s.shown {
			w.WriteByte('\n')
		}
		err = s.writeTable(w, r)
	}
	s.shown = true
	if err == nil {
		err = r.Err()
	}
	if ferr := w.Flush(); err == nil {
		err = ferr
	}
	return err
}

func writeJSON(w *bufio.Writer, r *engine.Result, open, between, end string) error {
	w.WriteString(open)
	n := 0
	for ; r.Next(); n++ {
		if n > 0 {
			w.WriteString(between)
		}
		w.WriteByte('{')
		for i, c := range r.Columns {
			if i > 0 {
				w.WriteByte(',')
			}
			fmt.Fprintf(w, "%s:", jsonName(c.Name))
			w.Write(r.JSON(i))
		}
		w.WriteByte('}')
	}
	if n == 0 && open == "" {
		return nil
	}
	_, err := w.WriteString(end)
	return err
}

func jsonName(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(s) + `"`
}

// writeCSV is RFC 4180 with a header; NULL is an empty field, the empty string is quoted.
func writeCSV(w *bufio.Writer, r *engine.Result) error {
	c := csv.NewWriter(w)
	if err := c.Write(engine.ColumnNames(r.Columns)); err != nil {
		return err
	}
	c.Flush()
	for r.Next() {
		for i := range r.Columns {
			if i > 0 {
				w.WriteByte(',')
			}
			text, ok := r.Text(i)
			switch {
			case !ok:
			case text == "" || strings.ContainsAny(text, ",\"\r\n"):
				w.WriteString(`"` + strings.ReplaceAll(text, `"`, `""`) + `"`)
			default:
				w.WriteString(text)
			}
		}
		if err := w.WriteByte('\n'); err != nil {
			return err
		}
	}
	return nil
}

func writeMarkdown(w *bufio.Writer, r *engine.Result) error {
	cell := strings.NewReplacer("|", `\|`, "\n", "<br>", "\r", "")
	for i, c := range r.Columns {
		fmt.Fprintf(w, "| %s ", cell.Replace(c.Name))
		if i == len(r.Columns)-1 {
			w.WriteString("|\n")
		}
	}
	for i := range r.Columns {
		if r.Number(i) {
			w.WriteString("|---:")
		} else {
			w.WriteString("|---")
		}
	}
	_, err := w.WriteString("|\n")
	for r.Next() {
		for i := range r.Columns {
			text, ok := r.Text(i)
			if !ok {
				text = "NULL"
			}
			fmt.Fprintf(w, "| %s ", cell.Replace(text))
		}
		_, err = w.WriteString("|\n")
	}
	return err
}

// maxRows is how many rows of a table are shown on a terminal, and laid out at once elsewhere.
const maxRows = 1000

// writeTable lays a result out in columns. On a terminal a table is cut to its width and to maxRows rows.
func (s *streams) writeTable(w *bufio.Writer, r *engine.Result) error {
	tty := terminal(s.out)
	width := 0
	if tty {
		width = terminalWidth()
	}
	head := engine.ColumnNames(r.Columns)
	size := make([]int, len(head))
	for i, h := range head {
		size[i] = cells(h)
	}
	var rows [][]string
	total := 0
	for r.Next() {
		total++
		if total > maxRows && tty {
			continue
		}
		row := make([]string, len(head))
		for i := range row {
			text, ok := r.Text(i)
			if !ok {
				text = "NULL"
			}
			row[i] = oneLine.Replace(text)
			size[i] = max(size[i], cells(row[i]))
		}
		rows = append(rows, row)
	}
	if width > 0 {
		fit(size, width)
	}
	line := func(row []string) {
		for i, text := range row {
			if i > 0 {
				w.WriteString("  ")
			}
			text = cut(text, size[i])
			pad := strings.Repeat(" ", size[i]-cells(text))
			switch {
			case r.Number(i):
				w.WriteString(pad + text)
			case i == len(row)-1:
				w.WriteString(text)
			default:
				w.WriteString(text + pad)
			}
		}
		w.WriteByte('\n')
	}
	line(head)
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = strings.Repeat("─", size[i])
	}
	line(rule)
	for _, row := range rows {
		line(row)
	}
	if total > len(rows) {
		fmt.Fprintf(w, "(%d rows, the first %d shown; --output csv shows all)\n", total, len(rows))
	}
	return nil
}

var oneLine = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`)

// cells is how many columns of a terminal a text takes, wide characters counted twice.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0x1f300) {
			n++
		}
	}
	return n
}

func cut(s string, width int) string {
	if cells(s) <= width {
		return s
	}
	for cells(s) >= width && s != "" {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s + "…"
}

// fit shrinks the widest columns until the table has the width.
func fit(size []int, width int) {
	sum := 2 * (len(size) - 1)
	for _, n := range size {
		sum += n
	}
	for ; sum > width; sum-- {
		widest := 0
		for i := range size {
			if size[i] > size[widest] {
				widest = i
			}
		}
		if size[widest] <= 8 {
			return
		}
		size[widest]--
	}
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
