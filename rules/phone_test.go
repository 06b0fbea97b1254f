package rules

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dsql/internal/testkit"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"
)

// phones.txt is what the library says: after it was updated, this test with -update writes it anew.
func TestPhonePlans(t *testing.T) {
	t.Parallel()
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	plans := slices.Clone(all.GetMetadata())
	main := func(m *phonenumbers.PhoneMetadata) int {
		if m.GetId() == phonenumbers.GetRegionCodeForCountryCode(int(m.GetCountryCode())) {
			return 0
		}
		return 1
	}
	slices.SortFunc(plans, func(a, b *phonenumbers.PhoneMetadata) int {
		return cmp.Or(cmp.Compare(a.GetCountryCode(), b.GetCountryCode()), cmp.Compare(main(a), main(b)), cmp.Compare(a.GetId(), b.GetId()))
	})
	var out strings.Builder
	fmt.Fprintln(&out, "# Plans of telephone numbers, from Google's libphonenumber (Apache License 2.0). Written by TestPhonePlans -update.")
	for _, m := range plans {
		desc := m.GetGeneralDesc()
		lengths := fmt.Sprint(desc.GetPossibleLength())
		if !slices.IsSorted(desc.GetPossibleLength()) || slices.Min(desc.GetPossibleLength()) < 1 {
			t.Errorf("%s has lengths that aren't taken for: %s", m.GetId(), lengths)
		}
		for _, l := range desc.GetPossibleLengthLocalOnly() {
			if slices.Contains(desc.GetPossibleLength(), l) || l > slices.Max(desc.GetPossibleLength()) {
				t.Errorf("%s has a length of local numbers that isn't taken for: %d", m.GetId(), l)
			}
		}
		fmt.Fprintf(&out, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", m.GetCountryCode(), m.GetId(), strings.Trim(lengths, "[]"),
			desc.GetNationalNumberPattern(), m.GetInternationalPrefix(), m.GetNationalPrefixForParsing(), m.GetNationalPrefixTransformRule())
	}
	if testkit.Update() {
		if err := os.WriteFile("phones.txt", []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if d := gocmp.Diff(out.String(), phonesText); d != "" {
		t.Errorf("phones.txt isn't the library's: %s", d)
	}
}

// libraryE164 is what the library makes of a number that has nothing but digits, a plus and signs between them.
func libraryE164(number, country string) string {
	region := country
	if code, err := strconv.Atoi(country); err == nil {
		region = phonenumbers.GetRegionCodeForCountryCode(code)
	}
	n, err := phonenumbers.Parse(number, region)
	if err != nil {
		return ""
	}
	if out := phonenumbers.Format(n, phonenumbers.E164); len(out) >= 9 && len(out) <= 16 {
		return out
	}
	return ""
}

// Whatever a number looks like, it is read as the library reads it.
func TestPhonesAgainstLibrary(t *testing.T) {
	t.Parallel()
	countries := []string{"", "ZZ", "XX", "0", "999"}
	for r := range phonenumbers.GetSupportedRegions() {
		countries = append(countries, r)
	}
	for c := range phonenumbers.GetSupportedCallingCodes() {
		countries = append(countries, strconv.Itoa(c))
	}
	slices.Sort(countries)
	rounds := 60
	if os.Getenv("DSQL_LONG") != "" {
		rounds = 1000
	}
	r := rand.New(rand.NewPCG(1, 2))
	kept := 0
	for _, country := range countries {
		for range rounds {
			number := somePhone(r, country, countries)
			want := libraryE164(number, country)
			if got := phoneE164(number, country); got != want {
				t.Fatalf("phone_e164('%s', '%s'): %q, and the library says %q", number, country, got, want)
			}
			if want != "" {
				kept++
			}
		}
	}
	if all := rounds * len(countries); kept < all/3 || kept > all*9/10 {
		t.Errorf("%d of %d numbers are some", kept, all)
	}
}

// somePhone is a number as it may be written in a country: an example of one of the library's kinds, or any digits, in one of many forms.
func somePhone(r *rand.Rand, country string, countries []string) string {
	of := country
	if r.IntN(3) == 0 {
		of = countries[r.IntN(len(countries))]
	}
	code, err := strconv.Atoi(of)
	if err != nil {
		code = phonenumbers.GetCountryCodeForRegion(of)
	} else {
		of = phonenumbers.GetRegionCodeForCountryCode(code)
	}
	digits := ""
	for range 2 + r.IntN(13) {
		digits += strconv.Itoa(r.IntN(10))
	}
	example := phonenumbers.GetExampleNumberForType(of, phonenumbers.PhoneNumberType(r.IntN(10)))
	if example != nil && r.IntN(3) > 0 {
		digits = phonenumbers.GetNationalSignificantNumber(example)
		switch at := r.IntN(len(digits)); r.IntN(6) {
		case 0:
			digits = digits[:at] + strconv.Itoa(r.IntN(10)) + digits[at+1:]
		case 1:
			digits = digits[:at] + digits[at+1:]
		case 2:
			digits = digits[:at] + strconv.Itoa(r.IntN(10)) + digits[at:]
		case 3:
			digits = phonenumbers.Format(example, phonenumbers.NATIONAL)
		}
	}
	// 15 and 31 are Argentina's and Brazil's, within the number and before it.
	before := []string{"", "0", "1", "8", "06", "00", "011", "810", "0031", "015", "90", "9"}[r.IntN(12)]
	calling := strconv.Itoa(code)
	before = []string{"", before, calling, "00" + calling, "+" + calling, "++" + calling + "(0)", "(＋)", "+"}[r.IntN(8)] + before
	if r.IntN(4) > 0 {
		return before + digits
	}
	signs := []rune("-‐−－. /()[]\u00a0\u2060⁓!$%٣۴５+")
	out := []rune(before + digits)
	for range r.IntN(4) {
		out = slices.Insert(out, r.IntN(len(out)+1), signs[r.IntN(len(signs))])
	}
	return string(out)
}
