package torture

import (
	"fmt"
	"slices"
	"strings"
)

// What stands in scripts is here as SQL and as what it means, side by side: a line in a table is a new expression.

// setExpr is a SET of a rule.
type setExpr struct {
	col, sql string
	of       func(Row) Value
}

// condExpr is a predicate on a row: nil (NULL), true or false.
type condExpr struct {
	cols []string
	of   func(Row) Value
}

// aggExpr is an aggregate: a metric, or one side of a check.
type aggExpr struct {
	cols []string
	of   func([]Row) Value
}

// checkExpr is a check. Its aggregate is judged by ok; a check on rows counts the rows for which rows is FALSE.
type checkExpr struct {
	agg  string
	ok   func(float64) bool
	rows string                                     // a text of conds
	past func(now float64, earlier []float64) Value // of the metric m0; ok judges what it gives
}

var sets = map[string]setExpr{
	"upper":    {"a", "upper(a)", onText("a", strings.ToUpper)},
	"mark":     {"a", "a || '!'", onText("a", func(s string) string { return s + "!" })},
	"coalesce": {"b", "coalesce(b, 0)", func(r Row) Value { return orElse(r["b"], int64(0)) }},
	"none":     {"a", "coalesce(a, 'none')", func(r Row) Value { return orElse(r["a"], "none") }},
	"plus":     {"b", "b + 1", onNum("b", func(n int64) Value { return n + 1 })},
	"nullif": {"a", "nullif(a, 'x')", func(r Row) Value {
		if r["a"] == "x" {
			return nil
		}
		return r["a"]
	}},
	"expr": {"a", `EXPR 'a ?? "none"'`, func(r Row) Value { return orElse(r["a"], "none") }},
}

var conds = map[string]condExpr{
	"b < 7":           {[]string{"b"}, onNum("b", func(n int64) Value { return n < 7 })},
	"b > 1":           {[]string{"b"}, onNum("b", func(n int64) Value { return n > 1 })},
	"b < 8":           {[]string{"b"}, onNum("b", func(n int64) Value { return n < 8 })},
	"b IS NOT NULL":   {[]string{"b"}, func(r Row) Value { return r["b"] != nil }},
	"a IS NOT NULL":   {[]string{"a"}, func(r Row) Value { return r["a"] != nil }},
	"id IS NOT NULL":  {[]string{"id"}, func(r Row) Value { return r["id"] != nil }},
	"id % 3 <> 0":     {[]string{"id"}, onNum("id", func(n int64) Value { return n%3 != 0 })},
	"c IS NOT NULL":   {[]string{"c"}, func(r Row) Value { return r["c"] != nil }},
	"e IS NULL":       {[]string{"e"}, func(r Row) Value { return r["e"] == nil }},
	"a <> 'x'":        {[]string{"a"}, onTextTo("a", func(s string) Value { return s != "x" })},
	"upper(a) <> 'Y'": {[]string{"a"}, onTextTo("a", func(s string) Value { return strings.ToUpper(s) != "Y" })},
}

var aggs = map[string]aggExpr{
	"count(*)": {nil, func(rs []Row) Value { return int64(len(rs)) }},
	"count(b)": {[]string{"b"}, func(rs []Row) Value { return int64(len(numbers(rs, "b"))) }},
	"sum(b)":   {[]string{"b"}, sumOf("b")},
	"max(b)": {[]string{"b"}, func(rs []Row) Value {
		if all := numbers(rs, "b"); len(all) > 0 {
			return slices.Max(all)
		}
		return nil
	}},
	"count(DISTINCT id)": {[]string{"id"}, func(rs []Row) Value { return int64(distinct(rs, "id")) }},
	"null_ratio(a)": {[]string{"a"}, func(rs []Row) Value {
		if len(rs) == 0 {
			return nil
		}
		n := 0
		for _, r := range rs {
			if r["a"] == nil {
				n++
			}
		}
		return float64(n) / float64(len(rs))
	}},
	"duplicate_ratio(id)": {[]string{"id"}, func(rs []Row) Value {
		if len(rs) == 0 {
			return nil
		}
		return float64(len(numbers(rs, "id"))-distinct(rs, "id")) / float64(len(rs))
	}},
	"is_unique(id)": {[]string{"id"}, func(rs []Row) Value { return len(numbers(rs, "id")) == distinct(rs, "id") }},
}

var checks = map[string]checkExpr{
	"count(*) < 2":        {agg: "count(*)", ok: below(2)},
	"count(*) < 3":        {agg: "count(*)", ok: below(3)},
	"count(*) < 5":        {agg: "count(*)", ok: below(5)},
	"count(*) > 0":        {agg: "count(*)", ok: func(x float64) bool { return x > 0 }},
	"sum(b) < 12":         {agg: "sum(b)", ok: below(12)},
	"max(b) < 8":          {agg: "max(b)", ok: below(8)},
	"null_ratio(a) < 0.5": {agg: "null_ratio(a)", ok: below(0.5)},
	"is_unique(id)":       {agg: "is_unique(id)", ok: func(x float64) bool { return x == 1 }},
	"m0 - previous(m0) < 2": {ok: below(2), past: func(now float64, earlier []float64) Value {
		if len(earlier) == 0 {
			return nil
		}
		return now - earlier[0]
	}},
	"m0 - mean_of_last(m0, 2) < 2": {ok: below(2), past: func(now float64, earlier []float64) Value {
		if len(earlier) == 0 {
			return nil
		}
		last, sum := earlier[:min(2, len(earlier))], 0.0
		for _, f := range last {
			sum += f
		}
		return now - sum/float64(len(last))
	}},
	"b < 8":    {rows: "b < 8"},
	"a <> 'x'": {rows: "a <> 'x'"},
}

// needs are the columns that a check reads.
func (c checkExpr) needs() []string {
	if c.rows != "" {
		return conds[c.rows].cols
	}
	return aggs[c.agg].cols
}

// judgePast is a check that looks back.
func (c checkExpr) judgePast(now Value, earlier []float64) (value, ok, failed Value) {
	f, there := now.(float64)
	if !there {
		return nil, nil, nil
	}
	return c.verdict(c.past(f, earlier))
}

// verdict is what a check says of what it measured; nothing of NULL.
func (c checkExpr) verdict(measured Value) (value, ok, failed Value) {
	f, there := measured.(float64)
	if !there {
		return nil, nil, nil
	}
	return f, c.ok(f), nil
}

// judge is a check over rows: its value and the verdict as SQL has it; failed counts the rows that break a check on rows. A row for
// which a check on rows is NULL counts where ON UNKNOWN isn't PASS.
func (c checkExpr) judge(rows []Row, unknown string) (value, ok, failed Value) {
	if c.rows == "" {
		value, ok, failed = c.verdict(asDouble(aggs[c.agg].of(rows)))
		if ok == nil && unknown == "FAIL" {
			ok = false
		}
		return value, ok, failed
	}
	n, null := int64(0), false
	for _, r := range rows {
		switch v := conds[c.rows].of(r); {
		case v == false || v == nil && unknown == "FAIL":
			n++
		case v == nil:
			null = true
		}
	}
	if ok = n == 0; n == 0 && null && unknown == "WARN" {
		ok = nil
	}
	return n, ok, n
}

// judgeBy is a check BY a column: the groups that fail.
func (c checkExpr) judgeBy(rows []Row, by, unknown string) (value, ok, failed Value) {
	groups := map[string][]Row{}
	for _, r := range rows {
		key := fmt.Sprintf("%T %v", r[by], r[by])
		groups[key] = append(groups[key], r)
	}
	n, null := int64(0), len(groups) == 0
	for _, g := range groups {
		switch _, ok, _ := c.judge(g, unknown); ok {
		case false:
			n++
		case nil:
			null = true
		}
	}
	switch {
	case n > 0 || null && unknown == "FAIL":
		return n, false, n
	case null:
		return n, nil, n
	}
	return n, true, n
}

// asDouble is a value as dsql.metrics and dsql.checks keep it.
func asDouble(v Value) Value {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case bool:
		if v {
			return 1.0
		}
		return 0.0
	}
	return v
}

func below(n float64) func(float64) bool { return func(x float64) bool { return x < n } }

func onText(col string, f func(string) string) func(Row) Value {
	return onTextTo(col, func(s string) Value { return f(s) })
}

func onTextTo(col string, f func(string) Value) func(Row) Value {
	return func(r Row) Value {
		if s, ok := r.str(col); ok {
			return f(s)
		}
		return nil
	}
}

func onNum(col string, f func(int64) Value) func(Row) Value {
	return func(r Row) Value {
		if n, ok := r.num(col); ok {
			return f(n)
		}
		return nil
	}
}

func orElse(v, other Value) Value {
	if v == nil {
		return other
	}
	return v
}

func numbers(rs []Row, col string) []int64 {
	var out []int64
	for _, r := range rs {
		if n, ok := r.num(col); ok {
			out = append(out, n)
		}
	}
	return out
}

func distinct(rs []Row, col string) int {
	seen := map[int64]bool{}
	for _, n := range numbers(rs, col) {
		seen[n] = true
	}
	return len(seen)
}

func sumOf(col string) func([]Row) Value {
	return func(rs []Row) Value {
		all := numbers(rs, col)
		if len(all) == 0 {
			return nil
		}
		sum := int64(0)
		for _, n := range all {
			sum += n
		}
		return sum
	}
}
