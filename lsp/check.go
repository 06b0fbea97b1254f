package lsp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"dsql/sql"
)

// Checker is the command that checks the script on its standard input, as one of that path, and prints a Checked; with DuckDB's functions
// where they are wanted. It is a process of its
// own, so that it can be ended at any time, and takes nothing from who types.
type Checker func(ctx context.Context, path string, functions bool) *exec.Cmd

// pause is how long a text must stand before it is checked: who types on isn't told of half a word.
const pause = 200 * time.Millisecond

// later checks the document behind the edits, and ends the check of an earlier text.
func (s *server) later(d *document) {
	d.stop()
	if s.checker == nil {
		return
	}
	ctx, stop := context.WithCancel(s.ctx)
	d.stop = stop
	src, uri := d.src, d.uri
	s.checks.Go(func() {
		defer stop()
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		found := s.check(ctx, src)
		s.mu.Lock()
		defer s.mu.Unlock()
		if now := s.docs[uri]; ctx.Err() == nil && now != nil && now.src == src {
			s.take(now, found)
		}
	})
}

// check asks the checker.
func (s *server) check(ctx context.Context, src *sql.Source) *Checked {
	s.mu.Lock()
	functions := len(s.functions) == 0
	s.mu.Unlock()
	c := s.checker(ctx, src.Name, functions)
	var out, said bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(src.Text), &out, &said
	found := &Checked{}
	err := c.Run()
	if err == nil {
		err = json.Unmarshal(out.Bytes(), found)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(os.Stderr, "the check of %s: %v\n%s", src.Name, err, said.Bytes())
		found.Found = append(found.Found, Finding{Message: fmt.Sprintf("this script could not be checked: %v", err)})
	}
	return found
}

// take keeps what a check found, and tells the editor.
func (s *server) take(d *document, found *Checked) {
	if len(found.Columns) > 0 {
		d.columns = found.Columns
	}
	if len(found.Functions) > 0 {
		s.functions = found.Functions
	}
	p := publishParams{d.uri, d.version, []diagnostic{}}
	for _, f := range found.Found {
		x := diagnostic{Range: d.placed(f), Severity: severityError, Code: f.Code, Source: "dsql", Message: f.Message}
		if f.Warning {
			x.Severity = severityWarning
		}
		for _, n := range f.Notes {
			x.Related = append(x.Related, relatedInfo{location{d.uri, d.placed(n)}, n.Message})
		}
		p.Diagnostics = append(p.Diagnostics, x)
	}
	s.publish(p)
}

// placed is the place of a finding, of a character at least: behind the text's end that before it.
func (d *document) placed(f Finding) textRange {
	text := d.src.Text
	sp := sql.Span{Start: min(f.Start, len(text)), End: min(f.End, len(text))}
	if sp.Start == len(text) {
		sp.Start = max(0, len(strings.TrimRight(text, " \t\r\n"))-1)
	}
	sp.End = max(sp.End, min(sp.Start+1, len(text)))
	for sp.Start > 0 && sp.Start < len(text) && text[sp.Start]&0xC0 == 0x80 {
		sp.Start--
	}
	for sp.End < len(text) && text[sp.End]&0xC0 == 0x80 {
		sp.End++
	}
	return d.span(sp)
}

// sorted are the open documents by their addresses.
func (s *server) sorted() (out []*document) {
	for _, d := range s.docs {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b *document) int { return strings.Compare(a.uri, b.uri) })
	return out
}
