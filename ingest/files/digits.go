package files

import (
	"cmp"
	"strconv"
	"strings"

	"dsql/engine/duck"
)

// digits are what a column's numbers need.
type digits struct {
	lost         bool // DOUBLE doesn't hold them all
	odd          bool // some are written with an exponent, a separator, or are none
	whole, scale int  // the most before and behind the point
}

// typeOf is a type that holds them.
func (d digits) typeOf() duck.Type {
	switch {
	case !d.lost:
		return "DOUBLE"
	case d.odd || d.whole+d.scale > 38:
		return "VARCHAR"
	case d.scale == 0:
		return "DECIMAL(38,0)"
	}
	return duck.Shape{ID: duck.TypeDecimal, Width: 38, Scale: uint8(d.scale)}.Type()
}

// heldByDouble says whether a number comes back from a DOUBLE with the digits that it has. Whole numbers are held up to 2^53.
func heldByDouble(text string, point, thousands byte) bool {
	s := strings.TrimLeft(strings.TrimSpace(text), "+-")
	if thousands != 0 {
		s = strings.ReplaceAll(s, string(thousands), "")
	}
	s = strings.Replace(s, string(cmp.Or(point, '.')), ".", 1)
	if strings.Trim(s, "0123456789.") != "" { // an exponent, nan: written as a floating point number
		return true
	}
	whole, frac, _ := strings.Cut(s, ".")
	whole, frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	x, err := strconv.ParseFloat(whole+"."+frac+"0", 64)
	switch {
	case err != nil:
		return false
	case frac == "":
		return x < 1<<53 || whole == "9007199254740992"
	case len(whole)+len(frac) <= 15:
		return true
	}
	return strings.TrimPrefix(strconv.FormatFloat(x, 'f', -1, 64), "0") == whole+"."+frac
}
