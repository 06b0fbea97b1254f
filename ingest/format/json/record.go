package json

import (
	"dsql/ingest/batch"
	"dsql/ingest/convert"
)

// Record decodes the object at i into a row. When it returns false the row is half written.
func (d *Decoder) Record(row int) bool {
	d.Fault, d.Why, d.Set, d.folded = convert.Fine, "", 0, d.folded[:0]
	d.Serial++
	d.Scope = d.Serial
	ok := false
	if d.At < len(d.Text) && d.Text[d.At] == '{' {
		ok = d.member(d.Root, row)
	} else {
		start := d.At
		if d.Skip(0) {
			d.Fault, d.tok = convert.NoObject, d.Text[start:d.At]
		} else {
			d.syntax()
		}
	}
	if (ok || d.Lenient) && d.Set < len(d.Columns) {
		d.NullRest(d.Columns, row)
	}
	return ok
}

// stand is how a record stands in the decoder's text.
type stand uint8

const (
	inText  stand = iota // the text ends with it
	inLine               // another object may follow
	inArray              // the text goes on
)

// accept decodes the record at the decoder's place into the batch. Where the text goes on the payload is what the record takes of it,
// and the decoder's place is where it goes on.
func (d *Decoder) accept(b *batch.Buffer, f *batch.File, p batch.Coords, where stand) bool {
	start, row := d.At, b.Begin(f)
	d.Lenient, d.Unknown = false, 0
	ok := d.Record(row)
	end := d.At
	if ok && where != inArray {
		if d.Space(); d.At < len(d.Text) {
			if ok = where == inLine && d.Text[d.At] == '{'; !ok {
				d.syntax()
			} else {
				p.Payload = d.Text[start:end]
			}
		}
	}
	if !ok {
		b.Undo()
		return false
	}
	if where == inArray {
		p.Payload = d.Text[start:end]
	}
	b.Keep(p)
	b.Unknown += d.Unknown
	return true
}

// refuse rejects the record that accept did not take; it begins at start of the decoder's text. It is false when there is no room.
func (d *Decoder) refuse(b *batch.Buffer, f *batch.File, p batch.Coords, start int) bool {
	full := d.Fault == convert.NoRoom
	why := ""
	if !full {
		why = d.Reason(0)
	}
	return b.Refuse(f, p, why, full, func(row int) int {
		d.At, d.Lenient = start, true
		d.Record(row)
		d.Lenient = false
		return d.Set
	})
}
