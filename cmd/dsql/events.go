package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/sql"
)

// eventLines writes a run's events to stderr as JSON, one a line, for programs. docs/cli.md lists the fields.
type eventLines struct {
	w    io.Writer
	last time.Time // of a progress line
}

func (l *eventLines) clear() {}

func (l *eventLines) stopping() {
	l.write("info", struct {
		Event string `json:"event"`
	}{"stopping"})
}

func (l *eventLines) event(e event.Event) {
	switch e := e.(type) {
	case event.ReadProgress:
		if time.Since(l.last) > time.Second {
			l.last = time.Now()
			l.write("debug", struct {
				Event  string `json:"event"`
				Source string `json:"source"`
				Item   string `json:"item"`
				Done   int64  `json:"done"`
				Total  int64  `json:"total"`
			}{"progress", e.Source, e.Item, e.Done, e.Total})
		}
	case event.BatchCommitted:
		rows := []rowsLine{}
		for _, d := range e.Rows {
			rows = append(rows, rowsLine{d.Kind, d.Name, d.In, d.Written, d.Rejected, d.Dropped})
		}
		l.write("info", struct {
			Event   string     `json:"event"`
			Version int64      `json:"version"`
			Source  string     `json:"source"`
			Origin  string     `json:"origin"`
			Records int64      `json:"records"`
			Bad     int64      `json:"bad"`
			Skipped int64      `json:"skipped"`
			Unknown int64      `json:"unknown"`
			Rows    []rowsLine `json:"rows"`
			Seconds float64    `json:"seconds"`
		}{"version", e.Version, e.Source, e.Origin, e.Records, e.Bad, e.Skipped, e.Unknown, rows, e.Took.Seconds()})
	case event.SinkWritten:
		l.write("info", struct {
			Event   string  `json:"event"`
			Sink    string  `json:"sink"`
			Version int64   `json:"version"`
			Rows    int64   `json:"rows"`
			Seconds float64 `json:"seconds"`
		}{"sink", e.Sink, e.Version, e.Rows, e.Took.Seconds()})
	case event.Waiting:
		l.write("info", struct {
			Event string `json:"event"`
		}{"waiting"})
	case event.Warned:
		l.problem("warning", e.Err)
	case event.Changed:
		l.write("info", struct {
			Event string `json:"event"`
			changeLine
		}{"declaration", lineOf(e.Change)})
	case event.Finished:
		l.write("info", struct {
			Event       string  `json:"event"`
			Versions    int64   `json:"versions"`
			Records     int64   `json:"records"`
			Written     int64   `json:"written"`
			Rejected    int64   `json:"rejected"`
			Dropped     int64   `json:"dropped"`
			Bad         int64   `json:"bad"`
			Skipped     int64   `json:"skipped"`
			Unknown     int64   `json:"unknown"`
			Sunk        int64   `json:"sunk"`
			Seconds     float64 `json:"seconds"`
			Interrupted bool    `json:"interrupted"`
			Failed      bool    `json:"failed"`

			Waiting []kind.WaitingFile `json:"waiting"`
		}{"finished", e.Versions, e.Records, e.Written, e.Rejected, e.Dropped, e.Bad, e.Skipped, unknown(e), e.Sunk, e.Took.Seconds(),
			e.Interrupted, e.Failed, append([]kind.WaitingFile{}, e.Waiting...)})
	}
}

// unknown is how many values of undeclared fields a run left out.
func unknown(e event.Finished) (n int64) {
	for _, u := range e.Unknown {
		n += u.Values
	}
	return n
}

type rowsLine struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	In       int64  `json:"in"`
	Written  int64  `json:"written"`
	Rejected int64  `json:"rejected"`
	Dropped  int64  `json:"dropped"`
}

type columnLine struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// result tells the columns of the rows that are printed next, named as in JSON: what is read of them there has lost its types.
func (l *eventLines) result(r *duck.Result) {
	cols := []columnLine{}
	for i, name := range uniqueNames(r.Columns) {
		cols = append(cols, columnLine{name, string(r.Columns[i].Type)})
	}
	l.write("info", struct {
		Event   string       `json:"event"`
		Columns []columnLine `json:"columns"`
	}{"result", cols})
}

// problem writes an error or a warning, and in text what it is without --events; line and column count from 1, and are 0 where it has no place in a script.
func (l *eventLines) problem(event string, e *sql.Error) {
	x := struct {
		Event   string `json:"event"`
		Code    string `json:"code"`
		Message string `json:"message"`
		Hint    string `json:"hint"`
		File    string `json:"file"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Text    string `json:"text"`
	}{Event: event, Code: e.Code.String(), Message: e.Msg, Hint: e.Hint}
	var text strings.Builder
	e.RenderAs(&text, event)
	x.Text = text.String()
	if e.Src != nil {
		p := e.Src.Position(e.Span.Start)
		x.File, x.Line, x.Column = p.File, p.Line, p.Col
	}
	l.write(event, x)
}

// write adds the time and the level to an event's fields.
func (l *eventLines) write(level string, v any) {
	text := bytes.TrimSuffix(jsonText(v), []byte("}"))
	fmt.Fprintf(l.w, "%s,\"time\":\"%s\",\"level\":\"%s\"}\n", text, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), level)
}
