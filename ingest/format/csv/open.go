package csv

import (
	"bytes"
	"fmt"
	"strings"

	"dsql/ingest/batch"
	"dsql/sql/code"
)

// open begins a file: it finds out what the dialect leaves open, reads the header and joins the file's fields to the columns.
func (c *decoder) open(f *batch.File) (batch.Cutter, error) {
	c.f = f
	head, at := f.Ahead, f.At
	if err := c.begin(); err != nil {
		return nil, err
	}
	if f.Info.Refused != "" {
		c.refused = f.Info.Refused
	}
	// what was taken for a header may be the beginning of one: it has no line end
	n := f.At.Byte - at.Byte
	if f.Info.Growing && n > 0 && n <= int64(len(head)) && len(f.Ahead) == 0 && head[n-1] != '\n' && head[n-1] != '\r' {
		f.Wait(at)
	}
	return c, nil
}

func (c *decoder) begin() (err error) {
	f, d := c.f, &c.l.Dialect
	if c.newline, err = c.lineEnds(); err != nil {
		return err
	}
	delims, err := c.aboveRecords()
	if err != nil {
		return err
	}
	h, size, err := c.firstRecord(delims)
	if err != nil {
		return err
	}
	if h != nil && d.Found != nil && d.Header != batch.HeaderNo {
		if h, size, err = c.passTitles(h, delims); err != nil {
			return err
		}
	}
	header := c.hasHeader(h)
	f.Opening = &batch.Opening{Delim: string(c.delim) + string(c.rest), Refused: c.refused != ""}
	if header || c.refused != "" {
		text := strings.TrimRight(string(f.Ahead[:size]), "\r\n")
		f.Opening.Header = &text
	}
	if header {
		if c.lines > 1 {
			f.Passed += int64(size)
		}
		f.Header = batch.HeaderYes
		f.Take(size, c.lines)
		if err := c.join(h); err != nil {
			return err
		}
	} else {
		c.byPosition()
	}
	// a header that lacks a column may lack a delimiter
	if c.surplus = f.Lacking == nil && c.endsInDelimiter(); d.Began != nil {
		c.surplus = d.Began.Surplus
	}
	f.Opening.Surplus = c.surplus
	return nil
}

// passTitles takes the lines above the header of a file whose columns were inferred: the header is the record that names the most of
// them. Where the first file had no header they are, as there, the first records that have another number of fields.
func (c *decoder) passTitles(h *header, delims []string) (*header, int, error) {
	f, l := c.f, c.l
	want, found := len(l.Values), l.Dialect.Found
	for bytes.Count(f.Ahead, []byte{c.newline}) < found.Skip+2 && !f.EOF && len(f.Ahead) < maxTitles {
		if err := f.ReadMore(); err != nil {
			return nil, 0, err
		}
	}
	best := c.named(h)
	at, delim, rest := 0, string(c.delim)+string(c.rest), f.Ahead
	if found.Header == batch.HeaderNo {
		c.width = want
		for n := 0; n < found.Skip && len(rest) > 0; n++ {
			size := c.nextRecord(rest, f.EOF)
			if size <= 0 || c.fields == want || c.fields == want+1 && c.emptyEnd() {
				break
			}
			rest = rest[size:]
		}
		at = len(f.Ahead) - len(rest)
	} else {
		for _, d := range delims {
			c.setDelim(d)
			for rest, n := f.Ahead, 0; len(rest) > 0 && n < titleRecords && best < want; n++ {
				size := c.nextRecord(rest, f.EOF)
				if size <= 0 {
					break
				}
				if c.broken == "" && c.fields*2 >= want {
					if k := c.named(c.newHeader(c.texts(rest))); k > best && k*2 >= want {
						best, at, delim = k, len(f.Ahead)-len(rest), d
					}
				}
				rest = rest[size:]
			}
		}
	}
	c.width = maxHeader
	c.setDelim(delim)
	if at == 0 {
		return h, c.split(f.Ahead, f.EOF), nil
	}
	lines := strings.Count(string(f.Ahead[:at]), string(c.newline))
	said := "1 line above the records of " + f.Info.Path + " is passed over"
	if lines != 1 {
		said = fmt.Sprintf("%d lines above the records of %s are passed over", lines, f.Info.Path)
	}
	f.Warn(code.TitleLines, said,
		"write skip, or name the columns, to say it yourself")
	f.Take(at, lines)
	return c.firstRecord([]string{delim})
}
