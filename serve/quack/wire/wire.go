// Package wire is DuckDB's binary serialization, as far as quack's messages need it: objects of numbered fields, types, and chunks of
// vectors as DuckDB has them in memory. What the messages are is not known here.
//
// An object is fields, each a number of two bytes with its value, and an end. A field at its default is left out. Whole numbers are LEB128
// or, with a sign, SLEB128; texts and lists begin with their length.
package wire

import (
	"encoding/binary"
	"errors"
)

// End is the number behind an object's last field.
const End = 0xFFFF

// Writer appends to B.
type Writer struct{ B []byte }

// Field begins a field.
func (w *Writer) Field(n uint16) { w.B = binary.LittleEndian.AppendUint16(w.B, n) }

// End ends an object.
func (w *Writer) End() { w.Field(End) }

// Uint is a number without a sign.
func (w *Writer) Uint(v uint64) { w.B = binary.AppendUvarint(w.B, v) }

// Bool is one byte.
func (w *Writer) Bool(v bool) {
	if w.B = append(w.B, 0); v {
		w.B[len(w.B)-1] = 1
	}
}

// Int is a number with a sign.
func (w *Writer) Int(v int64) {
	for {
		b := byte(v & 0x7F)
		if v >>= 7; v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			w.B = append(w.B, b)
			return
		}
		w.B = append(w.B, b|0x80)
	}
}

// Huge is a HUGEINT: its upper half with a sign, then its lower one.
func (w *Writer) Huge(v Huge) {
	w.Int(v.Upper)
	w.Uint(v.Lower)
}

// Huge is a number of 128 bits.
type Huge struct {
	Upper int64
	Lower uint64
}

// Text is a text, or bytes.
func (w *Writer) Text(s string) {
	w.Uint(uint64(len(s)))
	w.B = append(w.B, s...)
}

// Bytes is Text of bytes.
func (w *Writer) Bytes(b []byte) {
	w.Uint(uint64(len(b)))
	w.B = append(w.B, b...)
}

// Reader takes what Writer wrote off B. After an error all is zero and ends: Err is asked at the end. It makes nothing larger than what it
// was given.
type Reader struct {
	B   []byte
	Err error
}

// What is wrong with a message.
var (
	ErrShort = errors.New("the message ends too early")
	ErrLarge = errors.New("a number is too large")
)

func (r *Reader) fail(err error) {
	if r.Err == nil {
		r.Err = err
	}
	r.B = nil
}

// Field is the number of the next field, End behind the last.
func (r *Reader) Field() uint16 {
	if len(r.B) < 2 {
		r.fail(ErrShort)
		return End
	}
	n := binary.LittleEndian.Uint16(r.B)
	r.B = r.B[2:]
	return n
}

// Uint is a number without a sign.
func (r *Reader) Uint() uint64 {
	v, n := binary.Uvarint(r.B)
	return take(r, v, n)
}

// take passes over a number of n bytes.
func take[T int64 | uint64](r *Reader, v T, n int) T {
	switch {
	case n == 0:
		r.fail(ErrShort)
		return 0
	case n < 0:
		r.fail(ErrLarge)
		return 0
	}
	r.B = r.B[n:]
	return v
}

// Int is a number with a sign.
func (r *Reader) Int() int64 {
	var v int64
	for i, b := range r.B {
		if shift := 7 * i; shift < 64 {
			v |= int64(b&0x7F) << shift
			if b < 0x80 {
				if b&0x40 != 0 && shift+7 < 64 {
					v |= -1 << (shift + 7)
				}
				return take(r, v, i+1)
			}
			continue
		}
		return take(r, v, -1)
	}
	return take(r, v, 0)
}

// Huge is a HUGEINT.
func (r *Reader) Huge() Huge { return Huge{r.Int(), r.Uint()} }

// Bool is one byte.
func (r *Reader) Bool() bool {
	if len(r.B) == 0 {
		r.fail(ErrShort)
		return false
	}
	v := r.B[0] != 0
	r.B = r.B[1:]
	return v
}

// Bytes are a text's, within B.
func (r *Reader) Bytes() []byte {
	n := r.Uint()
	if n > uint64(len(r.B)) {
		r.fail(ErrShort)
		return nil
	}
	b := r.B[:n]
	r.B = r.B[n:]
	return b
}

// Text is a text.
func (r *Reader) Text() string { return string(r.Bytes()) }
