package csv

import (
	"slices"

	"dsql/ingest/batch"
)

// settle fills in what the dialect leaves open: what was found of the first file, then what CSV has otherwise.
func settle(d *batch.Dialect) {
	if d.Found != nil {
		apply(d, d.Found)
	}
	if d.Quote == 0 {
		d.Quote = '"'
	}
	if d.Escape == 0 {
		d.Escape = d.Quote
	}
	if d.NoQuote {
		d.Quote, d.Escape = 0, 0
	}
}

// apply takes what the user's options leave open.
func apply(d *batch.Dialect, f *batch.Found) {
	if d.Quote == 0 && f.NoQuote {
		d.NoQuote = true
	}
	if d.Quote == 0 && !d.NoQuote && len(f.Quote) == 1 {
		d.Quote = f.Quote[0]
		if d.Escape == 0 && len(f.Escape) == 1 {
			d.Escape = f.Escape[0]
		}
	}
	if d.Comment == 0 && len(f.Comment) == 1 {
		d.Comment = f.Comment[0]
	}
	if d.Seen == batch.HeaderAuto {
		d.Seen = f.Header
	}
}

// delimiters are those that are tried where the dialect doesn't say which it is.
var delimiters = []string{",", ";", "|", "\t"}

// candidates are the delimiters that may be the file's, the likeliest first.
func candidates(d *batch.Dialect) []string {
	switch {
	case d.Delim != "":
		return []string{d.Delim}
	case d.Found != nil && d.Found.Delim != "":
		return append([]string{d.Found.Delim}, slices.DeleteFunc(slices.Clone(delimiters), func(s string) bool { return s == d.Found.Delim })...)
	}
	return delimiters
}
