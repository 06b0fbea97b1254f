package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"dsql/engine/duck"
)

// result is rows to show, as they come.
type result struct {
	Columns []duck.Column
	rows
}

// rows have values as DuckDB prints them, of the row in hand.
type rows interface {
	Next() bool
	Text(column int) (text string, ok bool) // ok is false for NULL
	JSON(column int) []byte
	Number(column int) bool
}

// show prints a result to stdout in the format asked for, row by row. Its error is one of writing; what ended the rows early is
// told by whoever ran the statement.
func (s *streams) show(r *duck.Result) error { return s.titled("", r) }

// titled shows one of several results: in JSON they are the fields of one object, which endShow closes.
func (s *streams) titled(title string, r *duck.Result) error {
	return s.showAs(title, result{r.Columns, r})
}

func (s *streams) showAs(title string, r result) error {
	w := bufio.NewWriterSize(s.out, 1<<16)
	if title != "" && s.cli.Output == "json" {
		w.WriteString(map[bool]string{false: "{", true: ","}[s.object])
		w.Write(jsonText(title))
		w.WriteString(": ")
		s.object = true
	}
	if s.shown && s.cli.Output != "json" && s.cli.Output != "jsonl" {
		w.WriteByte('\n')
	}
	s.shown = true
	var err error
	switch s.cli.Output {
	case "json":
		err = writeJSON(w, r)
	case "jsonl":
		err = writeJSONLines(w, r)
	case "csv":
		err = writeCSV(w, r)
	case "markdown":
		err = writeMarkdown(w, r)
	default:
		err = s.writeTable(w, r)
	}
	if ferr := w.Flush(); err == nil {
		err = ferr
	}
	return err
}

// endShow ends what titled began.
func (s *streams) endShow() error {
	if !s.object {
		return nil
	}
	s.object = false
	_, err := io.WriteString(s.out, "}\n")
	return err
}

// writeJSON is one array of objects.
func writeJSON(w *bufio.Writer, r result) error {
	names := fieldNames(r.Columns)
	sep := "[\n"
	for r.Next() {
		w.WriteString(sep)
		if err := writeObject(w, r, names); err != nil {
			return err
		}
		sep = ",\n"
	}
	end := "\n]\n"
	if sep == "[\n" {
		end = "[]\n"
	}
	_, err := w.WriteString(end)
	return err
}

func writeJSONLines(w *bufio.Writer, r result) error {
	names := fieldNames(r.Columns)
	for r.Next() {
		if err := writeObject(w, r, names); err != nil {
			return err
		}
		w.WriteByte('\n')
	}
	return nil
}

func writeObject(w *bufio.Writer, r result, names [][]byte) error {
	for i, name := range names {
		w.WriteByte("{,"[min(i, 1)])
		w.Write(name)
		w.WriteByte(':')
		w.Write(r.JSON(i))
	}
	return w.WriteByte('}')
}

// fieldNames are the names of columns as JSON strings.
func fieldNames(cols []duck.Column) (out [][]byte) {
	for _, name := range uniqueNames(cols) {
		out = append(out, jsonText(name))
	}
	return out
}

// uniqueNames are the names of columns. One that stands there already gets a number, as in DuckDB's CREATE TABLE AS.
func uniqueNames(cols []duck.Column) (out []string) {
	taken := map[string]bool{}
	for _, c := range cols {
		name := c.Name
		for n := 1; taken[name]; n++ {
			name = fmt.Sprintf("%s_%d", c.Name, n)
		}
		taken[name] = true
		out = append(out, name)
	}
	return out
}

// jsonText is a value as JSON on one line, with < > & as they are.
func jsonText(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings, numbers and structs of them can't fail
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// writeCSV is RFC 4180 with a header, and lines that end with LF. NULL is an empty field, the empty string a quoted one.
func writeCSV(w *bufio.Writer, r result) error {
	for i, c := range r.Columns {
		writeField(w, i, c.Name, true)
	}
	err := w.WriteByte('\n')
	for err == nil && r.Next() {
		for i := range r.Columns {
			text, ok := r.Text(i)
			writeField(w, i, text, ok)
		}
		err = w.WriteByte('\n')
	}
	return err
}

func writeField(w *bufio.Writer, i int, text string, ok bool) {
	if i > 0 {
		w.WriteByte(',')
	}
	if ok && (text == "" || strings.ContainsAny(text, ",\"\r\n")) {
		text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	w.WriteString(text)
}

func markdownCell(s string) string { return printable(markdownEscapes.Replace(s)) }

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "\r\n", "<br>", "\n", "<br>", "\r", "<br>", "<", "&lt;", "&", "&amp;")

// writeMarkdown is a pipe table; numbers stand right.
func writeMarkdown(w *bufio.Writer, r result) error {
	for _, c := range r.Columns {
		fmt.Fprintf(w, "| %s ", markdownCell(c.Name))
	}
	w.WriteString("|\n")
	for i := range r.Columns {
		if r.Number(i) {
			w.WriteString("|---:")
		} else {
			w.WriteString("|---")
		}
	}
	_, err := w.WriteString("|\n")
	for err == nil && r.Next() {
		for i := range r.Columns {
			text, ok := r.Text(i)
			if !ok {
				text = "NULL"
			}
			fmt.Fprintf(w, "| %s ", markdownCell(text))
		}
		_, err = w.WriteString("|\n")
	}
	return err
}
