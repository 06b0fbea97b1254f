package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// examples are shown by --help and in the manual; a test parses each.
var examples = map[string][]string{
	"run": {"dsql run orders.sql                               its tables are in orders.duckdb",
		"dsql run orders.sql --follow --snapshot copy.duckdb    goes on with what comes; readers take the copy",
		"dsql run orders.sql --set day=2026-01-01 --dry-run"},
	"serve": {"dsql serve orders.sql --follow", "dsql serve --db orders.duckdb --listen 0.0.0.0:8080 --token-file tokens"},
	"token": {"dsql token grafana --scope metrics --file tokens"},
	"check": {"dsql check orders.sql", "dsql check orders.sql --strict --output json"},
	"test":  {"dsql test orders.sql", "dsql test orders.sql tests.sql --only 'late_*' --output junit"},
	"fmt":   {"dsql fmt orders.sql", "dsql fmt --check orders.sql tests.sql            names those that would change", "dsql fmt -"},
	"lsp":   {"dsql lsp                                           as an editor starts it; docs/editors.md"},
	"graph": {"dsql graph orders.sql                              Mermaid, as GitHub draws it", "dsql graph orders.sql --columns -o dot"},
	"plan":  {"dsql plan orders.sql"},
	"query": {"dsql query 'FROM orders LIMIT 10'", "dsql query --db orders.duckdb -o csv 'SELECT count(*) FROM orders'",
		"dsql query --url http://127.0.0.1:8080 'FROM orders'"},
	"shell": {"dsql shell", "dsql shell --db orders.duckdb --init start.sql"},
	"explain": {"dsql explain orders.sql", "dsql explain orders.sql customers                  one declaration",
		"dsql explain orders.sql -o json                    the program as data"},
	"worker":     {"dsql worker --plan plan.json --check", "dsql worker --plan plan.json --memory 512MB        tasks on standard input; docs/worker.md"},
	"merge":      {"dsql merge orders.*-of-4.duckdb --db orders.duckdb"},
	"inspect":    {"dsql inspect 'in/*.csv'", "dsql inspect kafka://localhost:9092/orders"},
	"status":     {"dsql status", "dsql status --config                               where settings come from"},
	"history":    {"dsql history customers --key 17"},
	"experiment": {"dsql experiment winback"},
	"diff": {"dsql diff customers 3 9                            two versions", "dsql diff orders other.duckdb:orders --on id       two tables",
		"dsql diff a.csv b.csv --on id --abs 0.01 --exit-code"},
	"profile":    {"dsql profile orders", "dsql profile in/orders.csv"},
	"checks":     {"dsql checks", "dsql checks orders --rows"},
	"rejects":    {"dsql rejects", "dsql rejects orders --fix orders.jsonl              their records, to be mended"},
	"replay":     {"dsql replay orders", "dsql replay orders --using orders.jsonl"},
	"exec":       {`dsql exec "RELEASE HOLD orders"`, `dsql exec "ALTER MODEL late_risk USE VERSION 1"`},
	"models":     {"dsql models"},
	"report":     {"dsql report -o orders.html", "dsql report --select customers --key 17"},
	"extension":  {"dsql extension -o lib/"},
	"init":       {"dsql init", "dsql init messages --python"},
	"completion": {"dsql completion bash", "dsql completion fish"},
	"help":       {"dsql help run", "dsql help CREATE JOURNAL", "dsql help --man"},
	"version":    {"dsql version"},
}

// helpWithExamples is kong's help, with the examples of the command behind it.
func helpWithExamples(o kong.HelpOptions, c *kong.Context) error {
	if err := kong.DefaultHelpPrinter(o, c); err != nil {
		return err
	}
	name := ""
	if n := c.Selected(); n != nil {
		name = n.Name
	} else if fields := strings.Fields(c.Command()); len(fields) > 0 {
		name = fields[0]
	}
	if len(examples[name]) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(c.Stdout, "\nExamples:\n  %s\n", strings.Join(examples[name], "\n  "))
	return err
}
