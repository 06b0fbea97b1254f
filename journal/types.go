package journal

import "dsql/engine/duck"

// prunes says that a type has zone maps and that its text, cast back, is the same value: a literal of it lets scans skip rows.
func prunes(t duck.Type) bool {
	switch id := t.ID(); id {
	case duck.TypeDecimal, duck.TypeDouble, duck.TypeDate, duck.TypeTimestamp, duck.TypeTimestampS, duck.TypeTimestampMS,
		duck.TypeTimestampNS, duck.TypeTimestampTZ:
		return true
	default:
		return id.Integer()
	}
}
