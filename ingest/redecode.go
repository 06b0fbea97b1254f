package ingest

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// Bad records are decoded anew from the bytes that dsql.rejects has of them, by the declaration of now.

// opening is how a CSV file began: what its records can't be read without.
type opening struct {
	Header *string `json:"header,omitempty"` // nil: its first record is no header
	Delim  string  `json:"delim"`
	// Surplus: behind the last field of each record stands one more delimiter.
	Surplus bool `json:"surplus,omitempty"`
	// Refused: the header named none of the columns then declared, so that no record was good; it stands among them.
	Refused bool `json:"refused,omitempty"`
}

// openings is an expression giving, as JSON, how the files of a batch's bad records began; NULL where that says nothing.
func (b *Buffer) openings() *duck.Query {
	var cases []*duck.Query
	for _, f := range b.noted {
		text, _ := json.Marshal(f.opening)
		cases = append(cases, duck.SQL("WHEN {file} THEN {text}", duck.Args{"file": f.info.Path, "text": string(text)}))
	}
	if len(cases) == 0 {
		return duck.SQL("NULL::JSON")
	}
	return duck.SQL("(CASE _meta.file {cases} END)::JSON", duck.Args{"cases": duck.Join(" ", cases...)})
}

// note remembers a file that has a bad record in the batch.
func (b *Buffer) note(f *File) {
	if f != nil && f.opening != nil && (len(b.noted) == 0 || b.noted[len(b.noted)-1].info.Path != f.info.Path) {
		b.noted = append(b.noted, f)
	}
}

// Redecode decodes records of files: as many as a batch has room for, and those that began alike. It says how many it took.
func (s *fileSource) Redecode(ctx context.Context, c *duck.Conn, env *kind.Env, cols []duck.Column,
	records []kind.BadRecord) (*kind.Redecoded, error) {
	if s.format == "parquet" {
		return nil, &sql.Error{Src: s.decl.Src, Span: s.decl.NameAt, Code: "replay-bytes", Exit: sql.ExitFailed,
			Msg: "rows of Parquet have no bytes of their own to be read again", Hint: "REBUILD … FROM SOURCE reads their files again"}
	}
	if err := s.knownDialect(ctx, c); err != nil {
		return nil, err
	}
	out := &kind.Redecoded{ID: duck.SQL("_meta.file::BIGINT")}
	files := &beginnings{s: s, c: c, env: env, cols: cols, openings: map[string]*opening{}}
	began, captures, err := files.of(ctx, &records[0])
	if err != nil {
		return nil, err
	}
	d := s.dialect
	d.Skip, d.began = 0, began
	lead := ""
	if began != nil {
		d.Delim, d.Header = began.Delim, HeaderNo
		if began.Header != nil {
			d.Header, lead = HeaderYes, *began.Header+"\n"
		}
	}
	l, err := NewLanding(c, s.decl.Name, s.fields(cols), d, s.limits)
	if err != nil {
		return nil, s.placed(err)
	}
	out.Close = l.Close
	b, err := l.Take(ctx)
	if err != nil {
		l.Close()
		return nil, err
	}
	absent := []string(nil)
	var paths []string
	for i := range records {
		rec := &records[i]
		if i > 0 {
			var again *opening
			if again, captures, err = files.of(ctx, rec); err != nil || !again.equal(began) {
				break // into a batch of its own
			}
		}
		text := bytes.Join([][]byte{[]byte(lead), rec.Payload, []byte("\n")}, nil)
		f, err := l.Open(bytes.NewReader(text), Pos{}, FileInfo{Path: fmt.Sprint(rec.ID), Captures: captures})
		if err != nil {
			l.Close()
			return nil, s.placed(err)
		}
		if began != nil && began.Refused && string(rec.Payload) == *began.Header {
			f.dec.(*csvDecoder).refused = "it is the header of its file"
		}
		more, err := b.Fill(ctx, f)
		if err != nil {
			l.Close()
			return nil, err
		}
		if more && out.Took == 0 { // it has room nowhere, and nothing of it is taken
			b.Release()
			if b, err = l.Take(ctx); err != nil {
				l.Close()
				return nil, err
			}
		}
		if more {
			break
		}
		absent = f.Absent()
		paths = append(paths, rec.File)
		out.Took++
	}
	slices.Sort(paths)
	in := b.Input()
	in.Absent, in.RowID = absent, rowID(s.format, slices.Compact(paths))
	in.Source = s.decl.Name
	out.Input = in
	return out, nil
}

func (o *opening) equal(p *opening) bool {
	if o == nil || p == nil {
		return o == p
	}
	return o.Delim == p.Delim && o.Surplus == p.Surplus && o.Refused == p.Refused && (o.Header == nil) == (p.Header == nil) &&
		(o.Header == nil || *o.Header == *p.Header)
}

// Redecode decodes records of topics, as many as a batch has room for.
func (s *kafkaSource) Redecode(ctx context.Context, c *duck.Conn, env *kind.Env, cols []duck.Column,
	records []kind.BadRecord) (*kind.Redecoded, error) {
	conn, err := s.dial(env)
	if err != nil {
		return nil, err
	}
	l, err := s.land(c, conn, cols)
	if err != nil {
		return nil, err
	}
	out := &kind.Redecoded{ID: duck.SQL(`_meta."offset"`), Close: l.Close}
	b, err := l.Take(ctx)
	if err == nil {
		err = l.Topic("")
	}
	runs := map[topicPartition]*run{}
	for i := 0; err == nil && i < len(records); i++ {
		rec := records[i]
		var ok bool
		if ok, err = b.Add(ctx, &Record{Offset: rec.ID, Time: rec.Time, Key: rec.Key, Value: rec.Payload, Headers: headersOf(rec)}); !ok {
			break
		}
		at := topicPartition{rec.Topic, rec.Partition}
		if runs[at] == nil {
			runs[at] = &run{rec.Topic, rec.Partition, rec.Offset, rec.Offset}
		}
		runs[at].first, runs[at].next = min(runs[at].first, rec.Offset), max(runs[at].next, rec.Offset+1)
		out.Took++
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	in := b.Input()
	var all []*run
	for _, tp := range sortedPartitions(runs) {
		all = append(all, runs[tp])
	}
	in.Source, in.RowID = s.decl.Name, recordID(all)
	out.Input = in
	return out, nil
}

func headersOf(rec kind.BadRecord) (out []RecordHeader) {
	for _, h := range rec.Headers {
		var value []byte
		if h.Value != nil {
			value, _ = hex.DecodeString(*h.Value)
		}
		out = append(out, RecordHeader{h.Key, value})
	}
	return out
}
