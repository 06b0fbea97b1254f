package rules

import (
	_ "embed"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// phonesText has a line for each plan of numbers: the calling code, the region, and of its national numbers the possible lengths and the
// pattern, the prefixes of calls abroad, those of calls at home, and what the latter become. The first line of a code is its main one.
// A test writes it.
//
//go:embed phones.txt
var phonesText string

// world is the region of codes that are no country's.
const world = "001"

// phoneTable is phonesText by region and by calling code.
type phoneTable struct{ regions, codes map[string]*phonePlan }

// phonePlan is how national numbers of a region are written.
type phonePlan struct {
	code, region  string
	lengths       []int // in order
	national      func() *regexp.Regexp
	calls, prefix func() *regexp.Regexp // of calls abroad, and at home: nil without
	becomes       string
}

var phonePlans = sync.OnceValue(func() *phoneTable {
	all := &phoneTable{map[string]*phonePlan{}, map[string]*phonePlan{}}
	for l := range strings.Lines(phonesText) {
		f := strings.Split(strings.TrimSuffix(l, "\n"), "\t")
		if len(f) < 7 { // what it says of itself
			continue
		}
		p := &phonePlan{code: f[0], region: f[1], national: lazily(f[3], "$"), calls: lazily(f[4], ""), prefix: lazily(f[5], ""), becomes: f[6]}
		for _, n := range strings.Split(f[2], " ") {
			i, _ := strconv.Atoi(n)
			p.lengths = append(p.lengths, i)
		}
		if all.codes[p.code] == nil {
			all.codes[p.code] = p
		}
		if p.region != world {
			all.regions[p.region] = p
		}
	}
	return all
})

// lazily is a pattern that is held against the beginning of a number, made when it is needed; the empty one is none.
func lazily(pattern, end string) func() *regexp.Regexp {
	if pattern == "" {
		return nil
	}
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^(?:" + pattern + ")" + end) })
}

func (p *phonePlan) valid(national string) bool { return p.national().MatchString(national) }
func (p *phonePlan) possible(length int) bool   { return slices.Contains(p.lengths, length) }
func (p *phonePlan) longest() int               { return p.lengths[len(p.lengths)-1] }

// shed takes the prefix of calls at home off a number, but from one that is valid only with it. Where the last group of the pattern
// matches, what becomes of it is told by a template: the prefix may stand for an area or within the number.
func (p *phonePlan) shed(number string) string {
	if p.prefix == nil {
		return number
	}
	at := p.prefix().FindStringSubmatchIndex(number)
	if at == nil {
		return number
	}
	out := number[at[1]:]
	if p.becomes != "" && at[len(at)-2] >= 0 {
		out = string(p.prefix().ExpandString(nil, p.becomes, number, at)) + out
	}
	if p.valid(number) && !p.valid(out) {
		return number
	}
	return out
}
