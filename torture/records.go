package torture

import (
	"strconv"
	"strings"
)

// What a file gives: its rows, and the places of its bad records.

// records are the rows of a batch and the places of its bad records.
func (m *Model) records(src *Decl, g []unit) (rows []Rec, bad []Place) {
	for _, u := range g {
		var absent []string
		if src.Format != "json" {
			absent = m.absent(src, u.file)
		}
		for i := u.from; i < u.to; i++ {
			at := Place{"in/" + u.file.Path, lineOf(src, u.file, i)}
			if u.file.Rows[i].Bad != "" {
				bad = append(bad, at)
				continue
			}
			r := Row{}
			for _, c := range m.given(src) {
				r[c] = either(has(u.file.Cols, c), u.file.Rows[i].Values[c], nil)
			}
			if src.Snapshot {
				r["day"] = dayOf(u.file)
			}
			rows = append(rows, Rec{Row: r, At: at, From: low(src.Name), Absent: absent})
		}
	}
	return rows, bad
}

// lineOf is the line of a record; those of CSV before it may have several.
func lineOf(src *Decl, f File, record int) int {
	if src.Format != "csv" {
		return record + 1
	}
	line := 2
	for _, r := range f.Rows[:record] {
		line += 1 + strings.Count(csvRecord(f.Cols, r), "\n")
	}
	return line
}

// dayOf is the capture {day} of a load.
func dayOf(f File) Value {
	if f.Day == "" {
		return nil
	}
	n, err := strconv.ParseInt(f.Day, 10, 64)
	if err != nil {
		panic(err) // the generator writes digits
	}
	return n
}
