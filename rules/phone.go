package rules

import (
	"strconv"
	"strings"
	"unicode"

	"dsql/engine/duck"
)

// How national numbers are written is data that changes: which prefix one sheds (0, 1, 8, 06), what a call abroad begins with, how long
// a number may be. It is Google's, in phones.txt, and a number is read in the steps of libphonenumber. So phone_e164 alone of the
// helpers needs dsql; in another client its macro says that the function is missing.

const phoneFunction = "dsql_phone_e164"

// RegisterHelpers makes callable what helpers need beside SQL: on each database that is opened, before Install.
func RegisterHelpers(c *duck.Conn) error {
	return c.Register(duck.Function{Name: phoneFunction, Params: []duck.Type{"VARCHAR", "VARCHAR"}, Returns: "VARCHAR", Call: phones})
}

func phones(call *duck.Call) error {
	numbers, valid := call.Texts(0)
	countries, known := call.Texts(1)
	for i := range call.N {
		e164 := ""
		if !duck.IsNull(valid, i) && !duck.IsNull(known, i) {
			e164 = phoneE164(numbers(i), countries(i))
		}
		if e164 == "" {
			call.SetNull(i)
			continue
		}
		call.OutText(i, e164)
	}
	return nil
}

// maxPhone is the longest text that is looked at, in bytes.
const maxPhone = 64

// phoneE164 is a number in E.164, or "". country is a calling code (47, +47) or a region (NO).
func phoneE164(number, country string) string {
	digits, plus, ok := phoneDigits(number)
	if !ok {
		return ""
	}
	all, region := phonePlans(), strings.ToUpper(strings.TrimSpace(country))
	home := all.regions[region]
	if code, err := strconv.Atoi(strings.TrimPrefix(region, "+")); err == nil {
		if home = all.codes[strconv.Itoa(code)]; home != nil && home.region == world {
			home = nil
		}
	}
	plan, national := all.abroad(digits, plus, home)
	if plan == nil {
		return ""
	}
	// One that is a possible number only with what looks like a prefix keeps it: it may be a short number.
	if shed := plan.shed(national); plan.possible(len(shed)) || len(shed) > plan.longest() {
		national = shed
	}
	if n := len(plan.code) + len(national); n < 8 || n > 15 { // ITU-T E.164
		return ""
	}
	return "+" + plan.code + national
}

// between are what may stand between the digits of a number.
const between = "-‐‑‒–—―−－．／ \u00a0\u00ad\u200b\u2060\u3000()（）［］.[]/⁓∼"

const pluses = "+＋"

// phoneDigits are the digits of a number, and whether it begins with a plus; signs before either are nothing. Letters, extensions and
// separators of lists have no place in E.164, and leaving them out would make another number.
func phoneDigits(number string) (digits string, plus, ok bool) {
	start := strings.IndexFunc(number, func(r rune) bool { return strings.ContainsRune(pluses, r) || asciiDigit(r) != 0 })
	if start < 0 || len(number) > maxPhone {
		return "", false, false
	}
	rest := strings.TrimLeft(number[start:], pluses)
	out := make([]byte, 0, maxPhone)
	for _, r := range rest {
		if d := asciiDigit(r); d != 0 {
			out = append(out, d)
		} else if !strings.ContainsRune(between, r) {
			return "", false, false
		}
	}
	return string(out), len(rest) < len(number)-start, !strings.ContainsFunc(number[:start], func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("#*;,=@?&~＃～", r)
	})
}

// asciiDigit is the digit that a rune stands for, or 0.
func asciiDigit(r rune) byte {
	for _, zero := range []rune{'0', '٠', '۰', '０'} {
		if r >= zero && r <= zero+9 {
			return byte('0' + r - zero)
		}
	}
	return 0
}

// abroad finds the plan of a number that may be written for calls abroad, or with the calling code of home and no sign of that, and what
// is behind the code. home is nil where the country isn't known.
func (all *phoneTable) abroad(digits string, plus bool, home *phonePlan) (*phonePlan, string) {
	if plus {
		if plan, rest := all.called(digits); plan != nil {
			return plan, rest
		}
	}
	if home == nil {
		return nil, ""
	}
	if at := home.calls().FindStringIndex(digits); at != nil && !strings.HasPrefix(digits[at[1]:], "0") {
		return all.called(digits[at[1]:])
	}
	if rest, ok := strings.CutPrefix(digits, home.code); ok {
		if rest = home.shed(rest); home.valid(rest) && !home.valid(digits) || len(digits) > home.longest() {
			return all.codes[home.code], rest
		}
	}
	if plus {
		return nil, ""
	}
	return home, digits
}

// called finds the plan of a number that begins with a calling code.
func (all *phoneTable) called(digits string) (*phonePlan, string) {
	for n := 1; n <= 3 && n <= len(digits); n++ {
		if plan := all.codes[digits[:n]]; plan != nil {
			return plan, digits[n:]
		}
	}
	return nil, ""
}
