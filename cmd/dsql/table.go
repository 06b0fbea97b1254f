package main

import (
	"bufio"
	"fmt"
	"strings"
	"unicode"
)

const (
	maxShown   = 200  // rows that a terminal shows
	layoutRows = 1000 // rows that say, where all are printed, how wide the columns are
)

// table lays rows out in columns.
type table struct {
	w      *bufio.Writer
	sizes  []int
	right  []bool // numbers stand right
	narrow bool   // cells are cut to their column's size
	dim    bool   // NULL and the rule are dimmed
	paint  func(before, row []cell, i int) string
	before []cell // the line above
	from   int    // columns [from, to) have no room
	to     int
}

type cell struct {
	text string
	null bool
}

// writeTable prints a result as a table. On a terminal it is cut to the terminal's width and to maxShown rows; elsewhere it holds
// everything.
func (s *streams) writeTable(w *bufio.Writer, r result) error {
	if len(r.Columns) == 2 && r.Columns[0].Name == "explain_key" { // EXPLAIN draws a plan over many lines
		for r.Next() {
			plan, _ := r.Text(1)
			w.WriteString(strings.TrimRight(plan, "\n") + "\n")
		}
		return nil
	}
	columns, tty := terminal(s.out)
	limit := layoutRows
	if tty {
		limit = maxShown
	}
	t := &table{w: w, narrow: tty, dim: s.coloured(s.out)}
	if t.dim {
		t.paint = s.paint
	}
	var head []cell
	for i, c := range r.Columns {
		head = append(head, cell{text: printable(c.Name)})
		t.sizes = append(t.sizes, width(head[i].text))
		t.right = append(t.right, r.Number(i))
	}
	var rows [][]cell
	for len(rows) < limit && r.Next() {
		row := cellsOf(r)
		for i, c := range row {
			t.sizes[i] = max(t.sizes[i], width(c.text))
		}
		rows = append(rows, row)
	}
	t.from, t.to = len(t.sizes), len(t.sizes)
	if tty {
		t.from, t.to = fit(t.sizes, columns)
	}
	err := t.line(head)
	if err == nil {
		err = t.rule()
	}
	for i := 0; err == nil && i < len(rows); i++ {
		err = t.line(rows[i])
	}
	total := len(rows)
	for ; err == nil && r.Next(); total++ {
		if !tty {
			err = t.line(cellsOf(r))
		}
	}
	var cuts []string
	if tty && total > len(rows) {
		cuts = append(cuts, fmt.Sprintf("%s rows, the first %d shown", count(int64(total)), len(rows)))
	}
	if t.from < t.to {
		cuts = append(cuts, fmt.Sprintf("%d columns, %d shown", len(head), len(head)-(t.to-t.from)))
	}
	if len(cuts) > 0 {
		fmt.Fprintf(w, "(%s; --output csv gives all)\n", strings.Join(cuts, "; "))
	}
	return err
}

func cellsOf(r result) []cell {
	row := make([]cell, len(r.Columns))
	for i := range row {
		if text, ok := r.Text(i); ok {
			row[i].text = printable(text)
		} else {
			row[i] = cell{"NULL", true}
		}
	}
	return row
}

func (t *table) line(row []cell) error {
	for i, c := range row {
		if t.from <= i && i < t.to {
			if i == t.from {
				t.w.WriteString("  " + gap)
			}
			continue
		}
		if i > 0 {
			t.w.WriteString("  ")
		}
		text := c.text
		if t.narrow {
			text = cut(text, t.sizes[i])
		}
		pad := strings.Repeat(" ", max(0, t.sizes[i]-width(text)))
		colour := ""
		if t.paint != nil {
			colour = t.paint(t.before, row, i)
		}
		switch {
		case colour != "":
			text = colour + text + "\x1b[0m"
		case c.null && t.dim:
			text = dimmed(text)
		}
		switch {
		case t.right[i]:
			text = pad + text
		case i < len(row)-1:
			text += pad
		}
		t.w.WriteString(text)
	}
	t.before = row
	return t.w.WriteByte('\n')
}

func (t *table) rule() error {
	var parts []string
	for i, n := range t.sizes {
		switch {
		case i == t.from:
			parts = append(parts, gap)
		case i < t.from || i >= t.to:
			parts = append(parts, strings.Repeat("─", n))
		}
	}
	rule := strings.Join(parts, "  ")
	if t.dim {
		rule = dimmed(rule)
	}
	_, err := t.w.WriteString(rule + "\n")
	return err
}

func dimmed(s string) string { return "\x1b[2m" + s + "\x1b[0m" }

// printable keeps a text on its line, and a terminal safe from what stands in data: control characters are shown as escapes.
func printable(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// minSize is the least that a column is cut to.
const minSize = 8

// fit cuts the widest columns until the table has the width, or none can be cut further: then columns in the middle, from the first that
// is left out to the one behind the last, have no room.
func fit(sizes []int, columns int) (from, to int) {
	shorten(sizes, columns)
	over := 2*(len(sizes)-1) - columns
	for _, n := range sizes {
		over += n
	}
	from, to = len(sizes), len(sizes)
	if over <= 0 {
		return from, to
	}
	over += 2 + width(gap) // what stands for them
	for from, to = (len(sizes)+1)/2, (len(sizes)+1)/2; over > 0 && to-from < len(sizes)-1; {
		if to < len(sizes) && from <= len(sizes)-to || from == 1 { // one on each side in turn; the first stays
			over -= sizes[to] + 2
			to++
		} else {
			from--
			over -= sizes[from] + 2
		}
	}
	if from == to {
		return len(sizes), len(sizes)
	}
	return from, to
}

// gap stands for the columns that have no room.
const gap = "…"

func shorten(sizes []int, columns int) {
	over := 2*(len(sizes)-1) - columns
	for _, n := range sizes {
		over += n
	}
	for ; over > 0; over-- {
		widest := 0
		for i := range sizes {
			if sizes[i] > sizes[widest] {
				widest = i
			}
		}
		if sizes[widest] <= minSize {
			return
		}
		sizes[widest]--
	}
}
