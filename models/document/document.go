// Package document reads JSON and UBJSON from front to back, value by value, in bounded memory. What stands in them its callers know.
//
// ingest/jsontext steps through JSON too, and the two stay apart: that one refuses all that isn't RFC 8259 and steps over values that
// others decode in place, a thousand times a batch; this one takes what libraries write (NaN, Infinity, names of features in any
// encoding), and its numbers are the model's floats. What they could share is the blanks and the escapes, and a branch for each of the
// others' exceptions.
package document

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Document is a JSON or UBJSON text, read from front to back without building a tree of values. Each call reads the
// value that stands next.
type Document interface {
	Object(each func(key string) error) error // each must read the key's value
	Array(each func() error) error            // each must read one element
	Text() (string, error)
	Int() (int, error)
	Floats() ([]float64, error)  // an array of float32 values, as float64
	Numbers() ([]float64, error) // an array of numbers of any kind
	Ints() ([]int, error)        // an array of integers or booleans
	Skip() error
}

const maxDepth = 100 // of nested objects and arrays

var ErrCut = errors.New("the file is cut short")

// JSON reads RFC 8259 JSON, and NaN and Infinity, which XGBoost writes.
type JSON struct {
	B     []byte
	i     int
	depth int
}

func (d *JSON) fail(want string) error {
	if d.peek() == 0 && d.i >= len(d.B) {
		return ErrCut
	}
	return fmt.Errorf("byte %d: %s instead of %s", d.i, Clip(string(d.B[d.i:min(d.i+20, len(d.B))])), want)
}

// peek is the next character that is no blank, 0 at the end.
func (d *JSON) peek() byte {
	for d.i < len(d.B) {
		switch c := d.B[d.i]; c {
		case ' ', '\n', '\r', '\t':
			d.i++
		default:
			return c
		}
	}
	return 0
}

// sequence reads what stands between open and shut, separated by commas.
func (d *JSON) sequence(open, shut byte, each func() error) error {
	if d.peek() != open {
		return d.fail(strconv.QuoteRune(rune(open)))
	}
	if d.depth++; d.depth > maxDepth {
		return fmt.Errorf("byte %d: nested deeper than %d", d.i, maxDepth)
	}
	defer func() { d.depth-- }()
	d.i++
	if d.peek() == shut {
		d.i++
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		switch d.peek() {
		case ',':
			d.i++
		case shut:
			d.i++
			return nil
		default:
			return d.fail("a comma or " + strconv.QuoteRune(rune(shut)))
		}
	}
}

func (d *JSON) Object(each func(key string) error) error {
	return d.sequence('{', '}', func() error {
		k, err := d.Text()
		if err != nil {
			return err
		}
		if d.peek() != ':' {
			return d.fail("a colon")
		}
		d.i++
		return each(k)
	})
}

func (d *JSON) Array(each func() error) error { return d.sequence('[', ']', each) }

func (d *JSON) Text() (string, error) {
	if d.peek() != '"' {
		return "", d.fail("a string")
	}
	d.i++
	from := d.i
	for ; d.i < len(d.B); d.i++ {
		switch d.B[d.i] {
		case '"':
			d.i++
			return string(d.B[from : d.i-1]), nil
		case '\\':
			return d.escaped(append([]byte(nil), d.B[from:d.i]...))
		}
	}
	return "", ErrCut
}

// escaped reads on after the first backslash of a string whose beginning is s.
func (d *JSON) escaped(s []byte) (string, error) {
	for d.i < len(d.B) {
		c := d.B[d.i]
		d.i++
		switch {
		case c == '"':
			return string(s), nil
		case c != '\\':
			s = append(s, c)
		case d.i == len(d.B):
			return "", ErrCut
		default:
			e := d.B[d.i]
			d.i++
			switch e {
			case '"', '\\', '/':
				s = append(s, e)
			case 'b':
				s = append(s, '\b')
			case 'f':
				s = append(s, '\f')
			case 'n':
				s = append(s, '\n')
			case 'r':
				s = append(s, '\r')
			case 't':
				s = append(s, '\t')
			case 'u':
				r, err := d.hex()
				if err != nil {
					return "", err
				}
				if utf16.IsSurrogate(r) && d.i+2 <= len(d.B) && d.B[d.i] == '\\' && d.B[d.i+1] == 'u' {
					d.i += 2
					low, err := d.hex()
					if err != nil {
						return "", err
					}
					r = utf16.DecodeRune(r, low)
				}
				s = utf8.AppendRune(s, r)
			default:
				return "", fmt.Errorf("byte %d: unknown escape \\%c", d.i-2, e)
			}
		}
	}
	return "", ErrCut
}

func (d *JSON) hex() (rune, error) {
	if d.i+4 > len(d.B) {
		return 0, ErrCut
	}
	v, err := strconv.ParseUint(string(d.B[d.i:d.i+4]), 16, 16)
	if err != nil {
		return 0, d.fail("four hexadecimal digits")
	}
	d.i += 4
	return rune(v), nil
}

// word is the next number, name or other text without quotes. It is valid until the document's bytes change.
func (d *JSON) word() string {
	d.peek()
	from := d.i
	for d.i < len(d.B) {
		switch d.B[d.i] {
		case ',', ']', '}', ':', '"', '[', '{', ' ', '\n', '\r', '\t':
			return unsafe.String(unsafe.SliceData(d.B[from:]), d.i-from)
		}
		d.i++
	}
	if from == d.i {
		return ""
	}
	return unsafe.String(&d.B[from], d.i-from)
}

func (d *JSON) Int() (int, error) {
	d.peek()
	from := d.i
	switch w := d.word(); w {
	case "true":
		return 1, nil
	case "false":
		return 0, nil
	default:
		if v, err := strconv.Atoi(w); err == nil {
			return v, nil
		}
	}
	d.i = from
	return 0, d.fail("an integer")
}

func (d *JSON) float(bits int) (float64, error) {
	d.peek()
	from := d.i
	v, err := strconv.ParseFloat(d.word(), bits)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		d.i = from
		return 0, d.fail("a number")
	}
	return v, nil
}

func (d *JSON) Floats() ([]float64, error) {
	return jsonList(d, func() (float64, error) { return d.float(32) })
}

func (d *JSON) Numbers() ([]float64, error) {
	return jsonList(d, func() (float64, error) { return d.float(64) })
}

func (d *JSON) Ints() ([]int, error) { return jsonList(d, d.Int) }

func jsonList[T any](d *JSON, one func() (T, error)) ([]T, error) {
	out := []T{}
	err := d.Array(func() error {
		v, err := one()
		out = append(out, v)
		return err
	})
	return out, err
}

func (d *JSON) Skip() error {
	switch d.peek() {
	case '{':
		return d.Object(func(string) error { return d.Skip() })
	case '[':
		return d.Array(d.Skip)
	case '"':
		_, err := d.Text()
		return err
	}
	if d.word() == "" {
		return d.fail("a value")
	}
	return nil
}

// Next is the first character of the next value, 0 at the end.
func (d *JSON) Next() byte { return d.peek() }

// Number reads a number, and Float one that is a float32.
func (d *JSON) Number() (float64, error) { return d.float(64) }
func (d *JSON) Float() (float64, error)  { return d.float(32) }

// Raw is the next value as it stands there.
func (d *JSON) Raw() ([]byte, error) {
	d.peek()
	from := d.i
	err := d.Skip()
	return d.B[from:d.i], err
}

// Clip shortens what a file holds for an error message.
func Clip(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return strconv.Quote(s)
}
