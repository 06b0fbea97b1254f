package onnx

import (
	"math"
	"strconv"
	"strings"
)

// cast converts between all kinds, as C does between numbers. Text that is no number gives the row no result.
func cast(c *call, to Kind) {
	t := c.need(0)
	if t.Kind == to {
		c.view(0, t, t.Dims...)
		return
	}
	if !to.isFloat() && !to.isInt() && to != String {
		fail("a cast to %s is not supported", to)
	}
	o := c.out(0, to, t.Dims...)
	for i := range o.size() {
		switch {
		case to == String && t.Kind.isFloat():
			o.S[i] = floatText(t.F[i])
		case to == String:
			o.S[i] = strconv.FormatInt(t.I[i], 10)
		case to.isFloat() && t.Kind.isFloat():
			o.F[i] = t.F[i]
		case to.isFloat() && t.Kind == String:
			v, err := strconv.ParseFloat(strings.TrimSpace(t.S[i]), 64)
			if err != nil && math.Abs(v) != math.Inf(1) {
				c.giveNone(t, i)
			}
			o.F[i] = v
		case to.isFloat():
			o.F[i] = float64(t.I[i])
		case t.Kind.isFloat() && to == Bool:
			o.I[i] = truth(t.F[i] != 0)
		case t.Kind.isFloat():
			o.I[i] = truncate(t.F[i])
		case t.Kind == String:
			v, err := strconv.ParseInt(strings.TrimSpace(t.S[i]), 10, 64)
			if err != nil {
				c.giveNone(t, i)
			}
			o.I[i] = v
		case to == Bool:
			o.I[i] = truth(t.I[i] != 0)
		default:
			o.I[i] = t.I[i]
		}
	}
	to.round(o.F)
	to.wrap(o.I)
}

// floatText is a number as onnxruntime writes it: printf's %.8g, NaN and INF.
func floatText(x float64) string {
	const digits = 8
	switch {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 1):
		return "INF"
	case math.IsInf(x, -1):
		return "-INF"
	}
	s := strconv.FormatFloat(x, 'e', digits-1, 64)
	mantissa, e, _ := strings.Cut(s, "e")
	exp, _ := strconv.Atoi(e)
	if exp < -4 || exp >= digits {
		return trimZeros(mantissa) + "e" + e
	}
	return trimZeros(strconv.FormatFloat(x, 'f', digits-1-exp, 64))
}

func trimZeros(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
