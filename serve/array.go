package serve

import (
	"context"
	"strconv"

	"dsql/engine/duck"
)

// answerArray answers rows of parameters: in one statement, or where the query can't be asked so one by one in one transaction.
func (s *server) answerArray(ctx context.Context, w *recorder, rd *reader, b *bound, v *view, a *asked) error {
	t := newTable(w, b.at.columns)
	if st := b.several(a.media.form); st != nil {
		rows, _, version, done, err := rd.ask(ctx, s.file.looker, v, &b.at.slow, asking{st: st, form: a.media.form})
		if err != nil {
			return err
		}
		defer done()
		w.stamp(version)
		w.Header().Set("Content-Type", a.media.name)
		switch a.media {
		case asArrow:
			_, err = t.arrow.Write(rows, -1)
		case asCSV:
			t.header(true)
			err = t.lines(rows, 1+len(b.at.columns), "")
		default:
			err = t.grouped(rows, len(a.objects))
		}
		return t.end(w, err)
	}
	now, err := rd.beginAt(ctx, v)
	if err != nil {
		return err
	}
	defer func() { _ = rd.end() }() // an error has ended it
	w.stamp(now.version)
	w.Header().Set("Content-Type", a.media.name)
	switch a.media {
	case asCSV:
		t.header(true)
	case asJSON:
		t.w.WriteByte('[')
	}
	for i, text := range a.objects {
		if err := s.answerOne(ctx, t, b, a.media, i, text); err != nil {
			return t.end(w, err)
		}
	}
	if a.media == asJSON {
		t.w.WriteString("]\n")
	}
	return t.end(w, nil)
}

// answerOne answers one row of parameters of several.
func (s *server) answerOne(ctx context.Context, t *table, b *bound, m media, i int, text []byte) error {
	if err := b.only(text); err != nil {
		return err
	}
	if m == asArrow {
		number := int64(i)
		b.row = &number
		defer func() { b.row = nil }()
	}
	st, err := b.one(m.form, nil)
	if err != nil {
		return err
	}
	rows, err := runAs(ctx, st, m.form)
	if err != nil {
		return err
	}
	defer rows.Close()
	switch m {
	case asArrow:
		_, err = t.arrow.Write(rows, -1)
		return err
	case asCSV:
		err = t.lines(rows, len(b.at.columns), strconv.Itoa(i))
		return err
	}
	t.group(i)
	if err = t.objects(rows); err != nil {
		return err
	}
	_, err = t.w.WriteString("]}")
	return err
}

// group begins the rows that a row of parameters gives.
func (t *table) group(i int) {
	if i > 0 {
		t.w.WriteByte(',')
	}
	t.w.WriteString(`{"row":` + strconv.Itoa(i) + `,"rows":[`)
}

// grouped writes rows whose first column is the number of their row of parameters, of which there are n.
func (t *table) grouped(rows *duck.Rows, n int) error {
	t.w.WriteByte('[')
	at, first := -1, true
	open := func(to int) {
		for at < to {
			if at >= 0 {
				t.w.WriteString("]}")
			}
			at++
			first = true
			t.group(at)
		}
	}
	for rows.Next() {
		text, _ := rows.Text(0)
		row, err := strconv.Atoi(string(text))
		if err != nil {
			return err
		}
		if open(row); !first {
			t.w.WriteByte(',')
		}
		first = false
		if err := t.object(rows, 1); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if open(n - 1); n > 0 {
		t.w.WriteString("]}")
	}
	_, err := t.w.WriteString("]\n")
	return err
}
