// Package plural says how many there are of a thing, in messages. All may import it; it knows nothing. It doesn't group digits: what is
// drawn for the eye (page, the bar of a run) does that itself.
package plural

import "strconv"

// Of is "1 row", "4 rows".
func Of[N int | int64](n N, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.FormatInt(int64(n), 10) + " " + what
}
