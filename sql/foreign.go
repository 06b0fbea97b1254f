package sql

import (
	"strings"

	"dsql/sql/code"
)

// Words of other tools: who writes them is told dsql's own, in one sentence.

// foreign is a form of another tool: the words that a statement begins with, and what to write.
type foreign struct{ words, of, write string }

// foreignHeads begin no statement of dsql's or DuckDB's. Behind CREATE the words OR REFRESH, OR REPLACE and LIVE are passed over.
var foreignHeads = []foreign{
	{"CREATE STREAMING TABLE", "Lakeflow's", "write CREATE STREAM name AS SELECT … FROM source"},
	{"CREATE STREAMING LIVE TABLE", "Delta Live Tables'", "write CREATE STREAM name AS SELECT … FROM source"},
	{"CREATE LIVE TABLE", "Delta Live Tables'", "write CREATE STREAM name AS SELECT … FROM source, or CREATE VIEW for what is computed anew"},
	{"CREATE LIVE VIEW", "Delta Live Tables'", "write CREATE VIEW"},
	{"CREATE MATERIALIZED VIEW", "other databases'",
		"write CREATE STREAM name AS SELECT … for rows that are kept as they come, or CREATE VIEW for " +
			"what is computed when it is read"},
	{"CREATE DYNAMIC TABLE", "Snowflake's", "write CREATE STREAM name AS SELECT … FROM source, or CREATE VIEW for what is computed anew"},
	{"CREATE FLOW", "Lakeflow's",
		"write CREATE JOURNAL name KEYS (id) SEQUENCE BY time FROM source for changes, or FROM a, b in a CREATE STREAM for " +
			"several inputs"},
	{"CREATE PIPELINE", "other tools'", "a script is a pipeline: declare sources and streams, and `dsql run` it"},
	{"CREATE SNAPSHOT", "dbt's", "write CREATE JOURNAL name KEYS (id) SNAPSHOT FROM source"},
	{"APPLY CHANGES INTO", "Lakeflow's", "write CREATE JOURNAL name KEYS (id) SEQUENCE BY time FROM source"},
	{"AUTO CDC INTO", "Lakeflow's", "write CREATE JOURNAL name KEYS (id) SEQUENCE BY time FROM source"},
}

// foreignStatement tells of a statement that begins as one of another tool's. It reports whether it does.
func (p *parser) foreignStatement() bool {
	if !p.isHead("CREATE") && !p.isHead("APPLY") && !p.isHead("AUTO") || p.foreign == maxForeign {
		return false
	}
	var words []string
	for i := 0; i < len(p.head) && len(words) < 4; i++ {
		if p.head[i].Kind != Word || len(p.headText(i)) > maxWord {
			break
		}
		if len(words) == 1 && p.is(i, "OR") && (p.is(i+1, "REFRESH") || p.is(i+1, "REPLACE")) {
			i++
			continue
		}
		words = append(words, strings.ToUpper(p.headText(i)))
		for _, f := range foreignHeads {
			if strings.Join(words, " ") == f.words {
				p.fail(p.head[0].Span.To(p.head[i].Span), code.ForeignWord, f.write, "%s is %s word", f.words, f.of)
				return true
			}
		}
	}
	return false
}

// foreignInside are words that may stand anywhere in a statement that creates something.
var foreignInside = []foreign{
	{"WITH ( KAFKA_TOPIC", "ksqlDB's",
		"write CREATE SOURCE name (columns) FROM KAFKA (brokers '…', topic '…', format json), and CREATE STREAM name FROM it"},
	{"WITH ( VALUE_FORMAT", "ksqlDB's",
		"write CREATE SOURCE name (columns) FROM KAFKA (brokers '…', topic '…', format json), and CREATE STREAM name FROM it"},
	{"WITH ( 'CONNECTOR'", "Flink's", "write CREATE SOURCE name (columns) FROM KAFKA (…) or FROM FILES (…), and CREATE STREAM name FROM it"},
	{"WITH ( CONNECTOR", "RisingWave's",
		"write CREATE SOURCE name (columns) FROM KAFKA (…) or FROM FILES (…), and CREATE STREAM name FROM it"},
	{"{ { REF", "dbt's", "write the name itself: FROM orders; what it reads comes before it by itself"},
	{"{ { SOURCE", "dbt's", "write the name of the source itself: FROM orders_in"},
	{"{ { VAR", "dbt's", "write CREATE PARAMETER day DATE, and $day"},
	{"{ {", "a template's", "write the name or value itself; CREATE PARAMETER makes values that a run is given: $name"},
	{"{ %", "a template's", "a script has no templates; CREATE PARAMETER makes values that a run is given: $name"},
	{"EMIT CHANGES", "ksqlDB's", "leave it out: a stream stores its rows as they come, and FROM STREAM name reads the new ones"},
}

// foreignWords tells of words of other tools inside of a statement. It reports whether there are some.
func (p *parser) foreignWords(sp Span, f *form) bool {
	text := sp.Of(p.src)
	if !strings.Contains(text, "{{") && !strings.Contains(text, "{%") && !p.isHead("CREATE") {
		return false
	}
	upper := text
	if len(text) < 1<<20 { // what is longer is data
		upper = strings.ToUpper(text)
	}
	for _, w := range foreignInside {
		words := strings.Fields(w.words)
		if !strings.Contains(upper, words[len(words)-1]) || f != nil && w.words == "EMIT CHANGES" && f.has("EMIT") {
			continue
		}
		toks, _ := tokens(p.src.Text, sp, maxTokens)
		for i := 0; i+len(words) <= len(toks); i++ {
			n := 0
			for n < len(words) && same(p.text(toks[i+n]), words[n]) && (words[n] != "{" || n == 0 || toks[i+n].Span.Start == toks[i+n-1].Span.End) {
				n++
			}
			if n < len(words) || w.words == "EMIT CHANGES" && i+n < len(toks) {
				continue
			}
			p.fail(toks[i].Span.To(toks[i+n-1].Span), code.ForeignWord, w.write, "%s is %s",
				tidy(keepStart(toks[i].Span.To(toks[i+n-1].Span).Of(p.src))), w.of)
			return true
		}
	}
	return false
}

// has: a form has a clause of that word.
func (f *form) has(word string) bool {
	for _, c := range f.clauses {
		if len(c.words) > 0 && c.words[0] == word {
			return true
		}
	}
	return false
}

// foreignChoices are words that other tools have where one of a few stands.
var foreignChoices = map[string]string{
	"QUARANTINE": "write REJECT: the row goes to dsql.rejects, with what is wrong with it",
	"IGNORE":     "write WARN: the row is kept, and counted",
	"ABORT":      "write FAIL: nothing of the batch is written",
}

// foreignColumns are words that tables have behind a column's type.
var foreignColumns = map[string]string{
	"NOT":        "conditions on rows are rules of what reads the source: RULES (CONSTRAINT there EXPECT (id IS NOT NULL))",
	"CHECK":      "conditions on rows are rules of what reads the source: RULES (CONSTRAINT positive EXPECT (amount > 0))",
	"PRIMARY":    "a source may have a key more than once: a JOURNAL has KEYS, and a check is_unique(id)",
	"UNIQUE":     "a source may have a value more than once: CHECKS (CHECK ids EXPECT (is_unique(id)))",
	"DEFAULT":    "a missing value is NULL: RULES (SET amount = coalesce(amount, 0)) of what reads the source",
	"REFERENCES": "CHECKS (CHECK known EXPECT (orphans(customer, customers.id) = 0)) of what reads the source",
	"GENERATED":  "compute it in the query of what reads the source: AS SELECT *, amount * 2 AS twice FROM …",
}

// foreignBehind are words that other tools have behind a choice: DROP ROW, FAIL UPDATE.
var foreignBehind = map[string]string{
	"DROP ROW":    "write DROP alone; REJECT keeps the row in dsql.rejects",
	"FAIL UPDATE": "write FAIL alone",
}

// behind tells of such a word. It reports whether it is one.
func (r *reader) behind() bool {
	if r.i == 0 {
		return false
	}
	words := strings.ToUpper(r.text(r.toks[r.i-1]) + " " + r.text(r.toks[r.i]))
	write, ok := foreignBehind[words]
	if ok {
		r.fail(r.toks[r.i-1].Span.To(r.toks[r.i].Span), code.ForeignWord, write, "%s is Lakeflow's word", words)
	}
	return ok
}

// missingComma is where an item of a list begins inside of another one, whose expression took it in: CONSTRAINT name EXPECT.
func (r *reader) missingComma() bool {
	for i := r.i + 1; i+2 < r.end; i++ {
		if c := int(r.closes[i]); c > 0 {
			i = c
			continue
		}
		if (r.word(i, "CONSTRAINT") || r.word(i, "CHECK")) && r.isName(i+1) && r.word(i+2, "EXPECT") {
			r.fail(r.toks[i].Span, code.ExpectedComma, "elements of a list are separated by commas", "a comma is missing before %s",
				strings.ToUpper(r.text(r.toks[i])))
			return true
		}
	}
	return false
}
