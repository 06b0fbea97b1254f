package duck

import (
	"strings"
	"testing"
)

func TestEach(t *testing.T) {
	a := Args{"keys": Names{"id", "odd one"}, "seq": Names{"_s0"}, "more": Names{"_s0", "_s1"}, "none": Names{}, "n": 7,
		"types": []*Query{Type("INTEGER").SQL(), Type("DATE").SQL()}, "late": func() *Query { return SQL("x > 1") },
		"lazy": func() Names { return Names{"a"} }}
	for text, want := range map[string]string{
		"{keys}":                               `"id", "odd one"`,
		"{h.keys}":                             `h."id", h."odd one"`,
		"a{, h.keys}{, none}{none}":            `a, h."id", h."odd one"`,
		"{all h.keys = k.keys}":                `h."id" = k."id" AND h."odd one" = k."odd one"`,
		"{all h.none = k.none}":                `true`,
		"{any keys IS NULL}":                   `("id" IS NULL OR "odd one" IS NULL)`,
		"{any none IS NULL}":                   `false`,
		"{row h.seq} < {row more}":             `h."_s0" < struct_pack("_0" := "_s0", "_1" := "_s1")`,
		"{NULL::types AS keys}":                `NULL::INTEGER AS "id", NULL::DATE AS "odd one"`,
		"{CASE WHEN a <= {n} THEN seq END}":    `CASE WHEN a <= 7 THEN "_s0" END`,
		"{seq || 'keys' || \"keys\" || seq.x}": `"_s0" || 'keys' || "keys" || seq.x`,
		"{lag(seq) OVER w} {late} {lazy}":      `lag("_s0") OVER w x > 1 "a"`,
		"{(seq, _v_from)}":                     `("_s0", _v_from)`,
		"SELECT {'a': 1}, {a: {n}}, '{2}', {}": `SELECT {'a': 1}, {a: 7}, '{2}', {}`,
	} {
		if got := SQL(text, a).String(); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	a["shared"] = items(a["more"])
	if one, two := SQL("{row shared}", a).String(), SQL("{row shared} {shared}", a).String(); two != one+` "_s0", "_s1"` {
		t.Errorf("a list that is used twice: %s", two)
	}
	for text, want := range map[string]string{
		"{h.nothing}": "no list in {h.nothing}", "{all keys = seq}": "lists of 2 and 1 items", "{nothing}": "no value for {nothing}",
	} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, want) {
					t.Errorf("%s: %s", text, got)
				}
			}()
			SQL(text, a)
		}()
	}
}
