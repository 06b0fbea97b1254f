package proto

import (
	"google.golang.org/protobuf/encoding/protowire"

	"dsql/ingest/batch"
	"dsql/ingest/convert"
	"dsql/ingest/schema"
)

// Texts makes JSON of messages: bytes are base64, times and decimals texts and numbers that say what they are.
type Texts struct{ *decoder }

// NewTexts makes them for a landing.
func NewTexts(l *batch.Landing, schemas schema.Source) Texts {
	d := decoderOf(l, convert.Columns{W: &l.Writer, Root: &convert.Slot{Obj: convert.NewObject()}, Names: &convert.NameSet{}}, schemas)
	d.key = &convert.Slot{}
	return Texts{d}
}

// Type is that of the value that was prepared, nil where something is wrong with its schema.
func (x Texts) Type() *schema.Type {
	if x.Why != "" || x.current == nil {
		return nil
	}
	return x.current.plan.Root.Type
}

// Text is the value that was prepared, as JSON. why says what is wrong with it, full that there was no room.
func (x Texts) Text(value []byte) (text []byte, why string, full bool) {
	d := x.decoder
	if d.Why != "" {
		return nil, d.Why, false
	}
	d.Begin(false)
	d.occ, d.Text = d.occ[:0], d.Text[:0]
	d.whole[0] = occurrence{typ: protowire.BytesType, bytes: value[min(d.Head, len(value)):]}
	ok := d.render(d.current.plan.Root.Type, d.whole[:], 0)
	if why, _, full = d.End(ok, 0); why != "" || full {
		return nil, why, full
	}
	text, room := d.W.Keep(d.Text)
	return text, "", !room
}
