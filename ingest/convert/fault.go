package convert

// Fault is why a value does not become a column's value.
type Fault uint8

const (
	Fine       Fault = iota
	Wrong            // not of that type
	OutOfRange       // a number or time that the type doesn't reach
	Losing           // digits that the type doesn't have room for
	aNumber          // a number for a time, without a FORMAT that says what it counts
	notMidnight
	Twice  // named twice in one object
	NoRoom // the batch is full; nothing is wrong with the value
	NoObject
	BadJSON // the record, or the text of a nested column, is not JSON
)

// Origin is what kind of token a value was.
type Origin uint8

const (
	FromText    Origin = iota // a CSV field or a JSON string
	FromNumber                // a JSON number
	FromLiteral               // JSON true or false
)

type Outcome uint8

const (
	Failed Outcome = iota
	IsNull
	IsSet
)

func trim(s []byte) []byte {
	for len(s) > 0 && s[0] <= ' ' && space(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && s[len(s)-1] <= ' ' && space(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
