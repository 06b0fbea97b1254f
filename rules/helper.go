package rules

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/sql"
)

// The cleansing helpers are SQL macros in the schema dsql of the file: dsql.clamp(x, 0, 1) works in any client. In RULES they are
// callable without the schema, unless the user has a function of that name.

// Helper is one cleansing macro.
type Helper struct {
	Name   string
	Params string // as in CREATE MACRO
	Doc    string
	Body   string
}

// blanks are what counts as white space, ASCII and Unicode.
const blanks = "'\t\n\v\f\r " +
	"\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'"

// jsonDepth is how deep canonical_json looks; a macro can't call itself.
const jsonDepth = 5

// Helpers are all of them, in an order in which each comes after those that it uses.
var Helpers = slices.Concat([]Helper{
	{"blank_to_null", "s", "NULL for a text of nothing but white space (also Unicode's), else the text as it is.",
		`CASE WHEN trim(s, ` + blanks + `) <> '' THEN s END`},
	{"collapse_spaces", "s", "The text without white space at its ends, and with one blank for each run of it inside.",
		`regexp_replace(trim(s, ` + blanks + `), '[\s\x{0B}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+', ' ', 'g')`},
	{"parse_date", "s", "The DATE in any of the forms that can't be mistaken: 2026-03-01, 2026/03/01, 20260301, 01.03.2026, 1 Mar 2026, " +
		"1 March 2026, Mar 1, 2026, March 1, 2026; a time behind the first is cut off. NULL for all else: for years that aren't written " +
		"with four " +
		"digits, and for 01/03/2026 (say which you mean with try_strptime(s, ['%d/%m/%Y', …])).",
		// strptime takes a year of any number of digits, and for %Y%m%d fewer than eight
		`CASE WHEN regexp_matches(s, '(^|[^0-9])([0-9]{4}|[0-9]{8})([^0-9]|$)') THEN CAST(try_strptime(trim(s, ` + blanks + `), ` +
			`['%Y-%m-%d', '%Y/%m/%d', '%Y%m%d', '%d.%m.%Y', '%d %b %Y', '%d %B %Y', '%b %d, %Y', '%B %d, %Y', ` +
			`'%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S', '%Y-%m-%dT%H:%M:%SZ']) AS DATE) END`},
	{"parse_number", "s, decimal_mark := '.'",
		"The DOUBLE in a text with groups of three digits, parted by blanks, apostrophes, or commas (points where the " +
			"decimal mark is a comma); NULL for what is no number, groups of another size too: with a decimal comma 1.5 is none.",
		`CASE decimal_mark WHEN '.' THEN ` + parseNumber(`.`, `,`) + ` WHEN ',' THEN ` + parseNumber(`,`, `.`) +
			` ELSE error('parse_number: decimal_mark is . or ,') END`},
	{"phone_e164", "s, country_code",
		"The phone number in E.164 (ITU-T): + and 8 to 15 digits, as libphonenumber reads it. A number without + or the " +
			"prefix for calls abroad is one of the country, by its calling code ('47') or region ('NO'), and sheds that country's trunk prefix. " +
			"NULL for " +
			"what has letters or an extension, or can't be a number. The one helper that needs dsql: other clients don't have its function.",
		phoneFunction + `(CAST(s AS VARCHAR), CAST(country_code AS VARCHAR))`},
	{"mask", "s, keep := 4", "The text with * for each character but the last keep; all of them where it is no longer than that.",
		`CASE WHEN length(s) > keep THEN repeat('*', length(s) - keep) || right(s, keep) ELSE repeat('*', length(s)) END`},
	{"mask_email", "s", "The address with *** for all but the first letter before the @; NULL for what has no @ inside.",
		`CASE WHEN regexp_matches(s, '^[^@]+@[^@]+$') THEN left(s, 1) || '***' || substring(s, instr(s, '@')) END`},
	{"salted_hash", "s, salt", "SHA-256 of the salt, a separator and the text, as 64 hexadecimal digits: the same text gives the same " +
		"hash, and without the salt nobody can try texts out. NULL stays NULL.",
		`sha256(salt || chr(31) || s)`},
	{"clamp", "x, low, high", "x, but low where it is below that and high where it is above. NULL stays NULL.",
		`CASE WHEN x < low THEN low WHEN x > high THEN high ELSE x END`},
	{"header", "meta, name", "The last header of that name in _meta as text, NULL without one and for what is no UTF-8. A source FROM " +
		"KAFKA doesn't decode records that no destination's WHERE dsql.header(_meta, 'type') = 'order' (or IN (…)) lets pass.",
		"CASE WHEN regexp_full_match(hex(" + headerOf + "), '" + catalog.UTF8Hex + "') THEN decode(" + headerOf + ") END"},
	{"map_value", "k, mapping", "What a table says for k: mapping is the name of one with the columns key and value. NULL where it has no " +
		"such key; coalesce(map_value(c, 'codes'), c) leaves others as they are.",
		`(SELECT min(_m.value) FROM query_table(mapping) AS _m WHERE _m.key = k)`},
}, canonicalJSON())

const headerOf = `list_filter(meta.headers, lambda _h: _h."key" = name AND _h."value" IS NOT NULL)[-1]."value"`

// parseNumber is the number in s for a decimal mark and the point or comma that may part groups.
func parseNumber(mark, group string) string {
	const blank = `[ \x{A0}\x{2009}\x{202F}]`
	forms := []string{`[0-9]+`}
	for _, sep := range []string{`[` + group + `]`, blank, `[''’]`} {
		forms = append(forms, `[0-9]{1,3}(?:`+sep+`[0-9]{3})+`)
	}
	number := `[+-]?` + blank + `?(?:(?:` + strings.Join(forms, "|") + `)(?:[` + mark + `][0-9]*)?|[` + mark + `][0-9]+)`
	text := `trim(s, ` + blanks + `)`
	plain := `replace(translate(` + text + ", ' \u00a0\u2009\u202f\u2019''" + group + `', ''), '` + mark + `', '.')`
	return `CASE WHEN regexp_full_match(` + text + `, '` + number + `') THEN TRY_CAST(` + plain + ` AS DOUBLE) END`
}

func canonicalJSON() []Helper {
	out := []Helper{{"canonical_json_0", "j", "A step of canonical_json.", "CAST(j AS VARCHAR)"}}
	for i := 1; i <= jsonDepth; i++ {
		// A level names the one below once: DuckDB writes macros out where they are called, and two calls a level would be 2^5.
		h := Helper{Name: fmt.Sprintf("canonical_json_%d", i), Params: "j", Doc: "A step of canonical_json.",
			Body: strings.NewReplacer("%k", fmt.Sprintf("k%d", i), "%e", fmt.Sprintf("e%d", i), "%p", fmt.Sprintf("p%d", i), "%inner",
				fmt.Sprintf("dsql.canonical_json_%d", i-1)).Replace(
				`CASE WHEN json_type(j) IN ('OBJECT', 'ARRAY') THEN CASE json_type(j) WHEN 'OBJECT' THEN '{' ELSE '[' END || array_to_string(list_transform(
				CASE json_type(j) WHEN 'OBJECT' THEN list_transform(list_sort(CAST(json_keys(j) AS VARCHAR[])),
				lambda %k: {'k': CAST(to_json(%k) AS VARCHAR) || ':', 'v': json_extract(j, '/' || replace(replace(%k, '~', '~0'), '/', '~1'))})
				ELSE list_transform(CAST(json_extract(j, '$[*]') AS JSON[]), lambda %e: {'k': '', 'v': %e}) END,
				lambda %p: %p.k || %inner(%p.v)), ',') || CASE json_type(j) WHEN 'OBJECT' THEN '}' ELSE ']' END
			ELSE CAST(j AS VARCHAR) END`)}
		out = append(out, h)
	}
	// CREATE MACRO binds a body up to an overloaded function of a parameter: greatest, which gives j, keeps it from binding the whole nest.
	return append(out, Helper{"canonical_json", "j",
		fmt.Sprintf("JSON as text without blanks and with the keys of objects in order, so that equal values are equal texts. Objects deeper "+
			"than %d stay as they are; NULL for text that is no JSON.", jsonDepth),
		fmt.Sprintf("CASE WHEN json_valid(CAST(greatest(j) AS VARCHAR)) THEN dsql.canonical_json_%d(CAST(j AS JSON)) END", jsonDepth)})
}

// create is the statement that makes a helper.
func (h Helper) create() string {
	return fmt.Sprintf("CREATE OR REPLACE MACRO dsql.%s(%s) AS %s", h.Name, h.Params, h.Body)
}

// Install makes the helpers in the file, where those of this dsql aren't there yet.
func Install(ctx context.Context, c *duck.Conn) error {
	sum := sha256.New()
	for _, h := range Helpers {
		fmt.Fprintln(sum, h.create())
	}
	version := fmt.Sprintf("%x", sum.Sum(nil)[:8])
	// Asking duckdb_functions() would take ten times as long as all that a run without news does.
	var have string
	if _, err := c.Scan(ctx, duck.SQL("SELECT dsql.helpers()"), &have); have == version || err != nil && !duck.IsMissing(err) {
		return err
	}
	for _, h := range Helpers {
		if _, err := c.Exec(ctx, duck.Text(h.create())); err != nil {
			return err
		}
	}
	return c.Run(ctx, duck.SQL("CREATE OR REPLACE MACRO dsql.helpers() AS {v}", duck.Args{"v": version}))
}

// helperCalls finds where an expression calls a helper without its schema.
func helperCalls(src *sql.Source, sp sql.Span, f func(at sql.Span, name string)) {
	toks := sql.Tokens(src, sp)
	for i := 0; i+1 < len(toks); i++ {
		if toks[i].Kind != sql.Word || toks[i+1].Span.Of(src) != "(" || i > 0 && toks[i-1].Span.Of(src) == "." {
			continue
		}
		name := strings.ToLower(toks[i].Span.Of(src))
		if slices.ContainsFunc(Helpers, func(h Helper) bool { return h.Name == name }) {
			f(toks[i].Span, name)
		}
	}
}
