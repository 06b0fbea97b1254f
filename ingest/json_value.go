package ingest

import "bytes"

// jsonValue decodes values that are JSON objects.
type jsonValue struct{ d *jsonDecoder }

func (j *jsonValue) unknown() int64 { return j.d.unknown }

func (j *jsonValue) decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	return j.d.whole(plainJSON(value), row, lenient)
}

// whole decodes a text that is one object and nothing else.
func (d *jsonDecoder) whole(text []byte, row int, lenient bool) (why string, set int, full bool) {
	d.jsonScanner = jsonScanner{b: text}
	d.lenient, d.unknown = lenient, 0
	d.ws()
	ok := d.record(row)
	if lenient {
		return "", d.set, false
	}
	if ok {
		d.ws()
		ok = d.i == len(d.b) || d.syntax()
	}
	if ok {
		return "", d.set, false
	}
	return d.reason(0), 0, d.fault == noRoom
}

// jsonLine is the object in a value, on one line; nil when there is none.
func jsonLine(value []byte) []byte {
	text := plainJSON(value)
	if !validJSON(text) || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return nil
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(text, []byte{'\n'}, []byte{' '}), []byte{'\r'}, []byte{' '})
}
