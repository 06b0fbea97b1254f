package watch

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// AlertKind is CREATE ALERT.
var AlertKind = kind.Kind{
	Outward: true,
	Syntax: &sql.Syntax{
		Keyword: "ALERT", Plural: "ALERTS",
		Clauses: []sql.Clause{
			{Keyword: "ON CHECK", Arg: sql.ArgExpr, Doc: "destination.check: fires while its last verdict isn't pass"},
			{Keyword: "ON METRIC", Arg: sql.ArgExpr,
				Doc: "destination.metric > x, or <, <=, >=: fires while the last value is so; a monitor's metrics too: health.\"auc[aa]\" < 0.6"},
			{Keyword: "ON LAG", Arg: sql.ArgExpr, Doc: "source > n: fires while more records than that of a topic wait"},
			{Keyword: "ON EXPERIMENT", Arg: sql.ArgName, Doc: "experiment: fires while its units aren't split between the variants as declared"},
			{Keyword: "ON NO DATA", Arg: sql.ArgName, Doc: "source: fires while nothing came of it for the interval of FOR"},
			{Keyword: "FOR", Arg: sql.ArgExpr, Doc: "INTERVAL '2 hours' of NO DATA; n VERSIONS: only when that many, one after the other, say so"},
			{Keyword: "TO WEBHOOK", Arg: sql.ArgExpr, Doc: "'https://…' or env('NAME'), which is read when it is used: a POST of JSON"},
			{Keyword: "TO COMMAND", Arg: sql.ArgString, Doc: "a command of the shell, which gets the same JSON on its standard input"},
		},
		Doc: "Tells somebody when something fires, and when it is over: once for each change, by an id that a repeat has too. What was told " +
			"stands in dsql.alerts.",
		Example: `CREATE SOURCE readings_in (sensor VARCHAR, celsius DOUBLE) FROM FILES ('in/*.csv', format csv);
CREATE STREAM readings CHECKS (CHECK some EXPECT (count(*) > 1000) ON FAILURE WARN) FROM readings_in;
CREATE ALERT few ON CHECK readings.some TO COMMAND 'cat > /dev/null'`,
	},
	Compile: compileAlert,
	Verbs: []kind.Verb{{
		Syntax: &sql.Syntax{Verb: "MUTE", Keyword: "ALERT",
			Clauses: []sql.Clause{{Keyword: "UNTIL", Arg: sql.ArgExpr, Required: true, Doc: "a time in UTC; one that is past ends the silence"}},
			Doc:     "An alert that is muted tells nobody; what still fires then is told when the time is over.",
			Example: "MUTE ALERT few UNTIL TIMESTAMP '2027-01-01 06:00:00'"},
		Run: mute,
	}},
	List: duck.SQL(`SELECT d.name, l.state, l.since, l.sent_at, l.tries, l.error, m.until AS muted_until, d.body AS declaration
		FROM dsql.declarations d LEFT JOIN (SELECT DISTINCT ON (alert) * FROM dsql.alerts ORDER BY alert, since DESC, rowid DESC) l ON l.alert = d.name
		LEFT JOIN dsql.alert_mutes m ON m.alert = d.name WHERE d.kind = 'alert' ORDER BY d.name`),
}

// mute is MUTE ALERT name UNTIL time.
func mute(ctx context.Context, tx *duck.Tx, d *sql.Decl) error {
	at := sql.Place{Src: d.Src, Span: d.Arg("UNTIL").Exprs[0]}
	a := duck.Args{"name": d.Name, "until": duck.User(at.Src, at.Span)}
	if err := tx.Run(ctx, duck.SQL("DELETE FROM dsql.alert_mutes WHERE lower(alert) = lower({name})", a)); err != nil {
		return err
	}
	_, err := tx.ExecAt(ctx, duck.SQL("INSERT INTO dsql.alert_mutes SELECT name, CAST(({until}) AS TIMESTAMP) FROM dsql.declarations "+
		"WHERE kind = 'alert' AND lower(name) = lower({name})", a), at)
	return err
}

// alert is a compiled CREATE ALERT.
type alert struct {
	decl      *sql.Decl
	what      string // the clause: "ON CHECK"
	of, name  string // the destination, source or monitor, and its check or metric
	above     bool   // of the two directions of a comparison
	equal     bool   // the threshold itself fires too
	threshold float64
	versions  int      // FOR n VERSIONS; 1 without it
	interval  sql.Span // FOR INTERVAL …
}

const alertUsage = "write ON CHECK flights.ids, ON METRIC flights.delay > 20, ON LAG orders > 1000, ON EXPERIMENT rebooking, or " +
	"ON NO DATA orders FOR INTERVAL '2 hours'"

func compileAlert(d *sql.Decl) (kind.Object, error) {
	a := &alert{decl: d, versions: 1}
	var errs sql.List
	for _, c := range []string{"ON CHECK", "ON METRIC", "ON LAG", "ON EXPERIMENT", "ON NO DATA"} {
		v := d.Arg(c)
		if v == nil {
			continue
		}
		if a.what != "" {
			errs = append(errs, a.fail(v.Keyword, code.ContradictingOptions, "an alert is on one thing", "declare another alert for this"))
		}
		a.what = c
	}
	if a.what == "" {
		return nil, append(errs, a.fail(d.NameAt, code.MissingClause, "ALERT "+d.Name+" says not what it is on", alertUsage))
	}
	errs = add(errs, a.subject())
	errs = add(errs, a.lasting())
	web, command := d.Arg("TO WEBHOOK"), d.Arg("TO COMMAND")
	if (web == nil) == (command == nil) {
		errs = append(errs, a.fail(d.NameAt, code.MissingClause, "ALERT "+d.Name+" needs TO WEBHOOK or TO COMMAND, one of the two",
			"add: TO WEBHOOK 'https://…', or env('NAME')"))
	}
	if web != nil {
		if _, _, err := a.address(); err != nil {
			errs = append(errs, err)
		}
	}
	return a, errs.Err()
}

func (a *alert) fail(at sql.Span, c code.Code, msg, hint string) *sql.Error {
	return a.decl.At(at).Errorf(c, "%s", msg).WithHint(hint)
}

func (a *alert) Decl() *sql.Decl { return a.decl }

// Refers: see kind.Referrer.
func (a *alert) Refers() []string { return []string{a.of} }

// words are the tokens of a clause's expression, names without their quotes.
func (a *alert) words(clause string) (out []string, at sql.Span) {
	at = a.decl.Arg(clause).Exprs[0]
	for _, t := range sql.Tokens(a.decl.Src, at) {
		w := t.Span.Of(a.decl.Src)
		if t.Kind == sql.Quoted {
			if u, err := sql.Unquote(w); err == nil {
				w = u
			}
		}
		out = append(out, w)
	}
	return out, at
}

// subject reads what the alert is on.
func (a *alert) subject() error {
	if a.what == "ON NO DATA" || a.what == "ON EXPERIMENT" {
		a.of = a.decl.Arg(a.what).Names[0].Text
		return nil
	}
	w, at := a.words(a.what)
	wrong := a.fail(at, code.BadAlert, "this is nothing that an alert can be on", alertUsage)
	if a.what != "ON LAG" {
		if len(w) < 3 || w[1] != "." {
			return wrong
		}
		a.of, a.name, w = w[0], w[2], w[3:]
	} else if len(w) > 0 {
		a.of, w = w[0], w[1:]
	}
	if a.what == "ON CHECK" {
		if len(w) > 0 {
			return wrong
		}
		return nil
	}
	if len(w) > 1 && w[1] == "=" { // >=
		w = append([]string{w[0] + w[1]}, w[2:]...)
	}
	if len(w) < 2 || !slices.Contains([]string{">", ">=", "<", "<="}, w[0]) {
		return wrong
	}
	a.above, a.equal = w[0][0] == '>', strings.HasSuffix(w[0], "=")
	var err error
	if a.threshold, err = strconv.ParseFloat(strings.Join(w[1:], ""), 64); err != nil {
		return wrong
	}
	return nil
}

// lasting reads FOR.
func (a *alert) lasting() error {
	v := a.decl.Arg("FOR")
	if v == nil {
		if a.what == "ON NO DATA" {
			return a.fail(a.decl.NameAt, code.MissingClause, "NO DATA needs FOR INTERVAL", "add: FOR INTERVAL '2 hours'")
		}
		return nil
	}
	w, at := a.words("FOR")
	switch n := len(w); {
	case a.what == "ON NO DATA" && n > 1 && strings.EqualFold(w[0], "interval"):
		a.interval = at
		return nil
	case (a.what == "ON CHECK" || a.what == "ON METRIC") && n == 2 && strings.EqualFold(w[1], "versions"):
		var err error
		if a.versions, err = strconv.Atoi(w[0]); err == nil && a.versions > 0 {
			return nil
		}
	}
	return a.fail(at, code.BadAlert, "FOR takes an interval of NO DATA, and a number of versions of a check or metric",
		"write FOR INTERVAL '2 hours', or FOR 3 VERSIONS")
}

// address is where a webhook goes: the text, or the name of an environment variable.
func (a *alert) address() (text, env string, err *sql.Error) {
	w, at := a.words("TO WEBHOOK")
	if len(w) == 4 && strings.EqualFold(w[0], "env") && w[1] == "(" && w[3] == ")" {
		if env, uerr := sql.Unquote(w[2]); uerr == nil {
			return "", env, nil
		}
	}
	if len(w) == 1 {
		if text, uerr := sql.Unquote(w[0]); uerr == nil && (strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")) {
			return text, "", nil
		}
	}
	return "", "", a.fail(at, code.BadAlert, "TO WEBHOOK takes an address of http or https", "write TO WEBHOOK 'https://…', or env('NAME')")
}

// Define sees that what the alert is on is declared.
func (a *alert) Define(_ context.Context, _ *duck.Tx, env *kind.Env) error {
	at := a.decl.Arg(a.what).Span
	kinds := []string{"stream", "journal", "rollup"}
	switch a.what {
	case "ON LAG", "ON NO DATA":
		kinds = []string{"source"}
	case "ON EXPERIMENT":
		kinds = []string{"experiment"}
	case "ON METRIC":
		kinds = append(kinds, "monitor")
	}
	var names []string
	for _, k := range kinds {
		o := env.Declared(k, a.of)
		if o == nil {
			names = append(names, env.Names(k)...)
			continue
		}
		if d, ok := o.(kind.Destination); ok {
			return a.known(d, at)
		}
		if k == "experiment" && o.Decl().Arg("EXPOSURES") == nil {
			return a.fail(at, code.BadAlert, a.of+" says not where exposures stand",
				"declare it with EXPOSURES (SELECT user_id, variant, seen_at FROM …)")
		}
		if _, ok := o.(kind.Lagging); a.what == "ON LAG" && !ok {
			return a.fail(at, code.BadAlert, a.of+" has no lag: it reads no topic", "alert ON NO DATA "+a.of+" FOR INTERVAL '…'")
		}
		return nil
	}
	return sqlUnknown(a, at, strings.Join(kinds, " or ")+" "+a.of, a.of, names)
}

// known sees that a destination has the check or metric.
func (a *alert) known(d kind.Destination, at sql.Span) error {
	items := d.Chain().Checks
	if a.what == "ON METRIC" {
		items = d.Chain().Metrics
	}
	var names []string
	for _, it := range items {
		if it.Syntax.Keyword == "APPLY" || sql.Same(it.Name, a.name) { // a list may have it
			return nil
		}
		names = append(names, it.Name)
	}
	what := map[bool]string{true: "check", false: "metric"}[a.what == "ON CHECK"]
	return sqlUnknown(a, at, fmt.Sprintf("%s %s of %s", what, a.name, a.of), a.name, names)
}

func sqlUnknown(a *alert, at sql.Span, what, name string, names []string) *sql.Error {
	e := a.fail(at, code.UnknownName, "there is no "+what, alertUsage)
	if near := sql.Nearest(name, names); near != "" {
		e.Hint = "did you mean " + near + "?"
	} else if len(names) > 0 {
		e.Hint = "declared are: " + strings.Join(names, ", ")
	}
	return e
}

// object is what the alert is on, as its message names it: in the spelling of what is declared.
func (a *alert) object(env *kind.Env) string {
	of, name := a.of, a.name
	for _, k := range []string{"stream", "journal", "rollup", "monitor", "source", "experiment"} {
		o := env.Declared(k, a.of)
		if o == nil {
			continue
		}
		of = o.Decl().Name
		if d, ok := o.(kind.Destination); ok {
			for _, it := range slices.Concat(d.Chain().Checks, d.Chain().Metrics) {
				if sql.Same(it.Name, name) {
					name = it.Name
				}
			}
		}
		break
	}
	if name == "" {
		return of
	}
	return of + "." + name
}

// webhook is where the message goes; the variable is read now.
func (a *alert) webhook() (string, error) {
	text, env, err := a.address()
	if err != nil {
		return "", err
	}
	if env != "" {
		if text = os.Getenv(env); text == "" {
			return "", fmt.Errorf("the environment variable %s is not set", env)
		}
	}
	return text, nil
}
