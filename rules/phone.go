package rules

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"dsql/engine"
)

// Which prefix a national number sheds (0, 1, 8, 06) and which countries keep theirs is data that changes: Google's, in a port of
// libphonenumber that is kept. So phone_e164 alone of the helpers needs dsql; in another client its macro says that the function
// is missing.

const phoneFunction = "dsql_phone_e164"

// RegisterHelpers makes callable what helpers need beside SQL: on each database that is opened, before Install.
func RegisterHelpers(c *engine.Conn) error {
	return c.Register(engine.Function{Name: phoneFunction, Params: []string{"VARCHAR", "VARCHAR"}, Returns: "VARCHAR", Call: phones})
}

func phones(call *engine.Call) error {
	numbers, valid := call.Texts(0)
	countries, known := call.Texts(1)
	for i := range call.N {
		e164 := ""
		if !engine.IsNull(valid, i) && !engine.IsNull(known, i) {
			e164 = phoneE164(strings.Clone(numbers(i)), strings.Clone(countries(i)))
		}
		if e164 == "" {
			call.SetNull(i)
			continue
		}
		call.OutText(i, e164)
	}
	return nil
}

// notPhone: letters, extensions and separators of lists have no place in E.164, and leaving them out would make another number.
var notPhone = regexp.MustCompile(`[\pL#*;,=@?&]`)

// maxPhone is the longest text that is looked at, in bytes.
const maxPhone = 64

// phoneE164 is a number in E.164, or "". country is a calling code (47, +47) or a region (NO).
func phoneE164(number, country string) string {
	if len(number) > maxPhone || notPhone.MatchString(number) {
		return ""
	}
	region := strings.ToUpper(strings.TrimSpace(country))
	if code, err := strconv.Atoi(strings.TrimPrefix(region, "+")); err == nil {
		region = phonenumbers.GetRegionCodeForCountryCode(code)
	}
	n, err := phonenumbers.Parse(number, region)
	if err != nil {
		return ""
	}
	out := phonenumbers.Format(n, phonenumbers.E164)
	if digits := len(out) - 1; digits < 8 || digits > 15 { // ITU-T E.164
		return ""
	}
	return out
}
