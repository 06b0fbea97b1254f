// Package connect owns CREATE CONNECTION: how a Kafka cluster and its schema registry are reached. It makes client options and
// turns what goes wrong on the way into errors with a place. What is read or written over a connection is none of its business.
package connect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Kind is CREATE CONNECTION.
var Kind = kind.Kind{
	Syntax: &sql.Syntax{
		Keyword: "CONNECTION", Plural: "CONNECTIONS",
		Clauses: []sql.Clause{{Keyword: "TO KAFKA", Arg: sql.ArgOptions, Required: true, Options: docs(),
			Doc: "(option value, …): the cluster, and who asks"}},
		Doc: "How a Kafka cluster is reached. A value may be env('NAME'): it is read when it is used and stands nowhere else. A password " +
			"is never stored in the file.",
		Example: "CREATE CONNECTION shop TO KAFKA (brokers 'localhost:9092')",
	},
	Compile: compile,
}

// option is what can stand in TO KAFKA (…).
type option struct {
	name, doc string
	secret    bool
	words     []string // all values that there are
}

var options = append([]option{
	{name: "brokers", doc: "host:port of some of the cluster's brokers, with commas between them"},
	{name: "sasl_mechanism", doc: "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI",
		words: []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", bearer, mechanismGSSAPI}},
	{name: "sasl_username", doc: "who logs in"},
	{name: "sasl_password", doc: "its password", secret: true},
	{name: "tls", doc: "whether the brokers are reached by TLS (default: when another tls option stands there)",
		words: []string{"TRUE", "FALSE"}},
	{name: "tls_ca", doc: "PEM file of the authorities that the brokers' certificates are checked with (default: the system's)"},
	{name: "tls_cert", doc: "PEM file of the client's certificate"},
	{name: "tls_key", doc: "PEM file of its key"},
	{name: "tls_server_name", doc: "the name in the brokers' certificates, where it isn't the host's"},
	{name: "client_id", doc: "what the brokers' logs and quotas call this client (default dsql)"},
	{name: "schema_registry", doc: "URL of a Confluent schema registry"},
	{name: "schema_registry_username", doc: "who logs in there"},
	{name: "schema_registry_password", doc: "its password", secret: true},
}, append(oauthOptions, kerberosOptions...)...)

func docs() []sql.OptionDoc {
	out := make([]sql.OptionDoc, len(options))
	for i, o := range options {
		out[i] = sql.OptionDoc{Name: o.name, Doc: o.doc}
	}
	return out
}

// Connection is a compiled CREATE CONNECTION, or the brokers that a source or sink names itself.
type Connection struct {
	decl  *sql.Decl
	src   *sql.Source
	at    sql.Span
	given map[string]sql.Option
}

// Brokers is a connection to brokers without more, as the option `brokers` of a source or sink says it.
func Brokers(src *sql.Source, o sql.Option) *Connection {
	return &Connection{src: src, at: o.Value, given: map[string]sql.Option{"brokers": o}}
}

func (c *Connection) Decl() *sql.Decl { return c.decl }

// Define does nothing: a connection is made when something reads or writes over it, and none is needed to check a script.
func (c *Connection) Define(context.Context, *duck.Tx, *kind.Env) error { return nil }

func compile(d *sql.Decl) (kind.Object, error) {
	v := d.Arg("TO KAFKA")
	c := &Connection{decl: d, src: d.Src, at: d.NameAt, given: map[string]sql.Option{}}
	var errs sql.List
	fail := func(e *sql.Error) { errs = append(errs, e) }
	for _, o := range v.Options {
		i := slices.IndexFunc(options, func(x option) bool { return x.name == o.Name })
		if i < 0 {
			continue // the parser has said so
		}
		switch k := options[i]; {
		case o.Kind == sql.OptNone && o.Name == "tls":
			o.Kind, o.Text = sql.OptWord, "true"
		case o.Kind == sql.OptNone || o.Kind == sql.OptList:
			fail(d.At(o.At).Errorf(code.MissingValue, "%s needs a value", o.Name).
				WithHint(fmt.Sprintf("write %s '…', or %s env('NAME')", o.Name, o.Name)))
		case o.Kind != sql.OptEnv && k.words != nil && !slices.Contains(k.words, strings.ToUpper(o.Text)):
			hint := sql.DidYouMean(o.Text, k.words, sql.Listed(o.Name+" is one of ", k.words, ""))
			fail(d.At(o.Value).Errorf(code.BadChoice, "%s is no %s", o.Text, o.Name).WithHint(hint))
		}
		c.given[o.Name] = o
	}
	if _, ok := c.given["brokers"]; !ok {
		fail(d.At(d.NameAt).Errorf(code.NoBrokers, "the connection names no brokers").
			WithHint("add brokers 'host:9092'"))
	}
	together := func(a, b string) {
		x, ok := c.given[a]
		if _, other := c.given[b]; ok && !other {
			fail(d.At(x.At).Errorf(code.MissingOption, "%s needs %s beside it", a, b).WithHint("add " + b))
		}
	}
	m, ok := c.given["sasl_mechanism"]
	tickets := strings.EqualFold(m.Text, mechanismGSSAPI)
	if ok && m.Kind != sql.OptEnv && !strings.EqualFold(m.Text, bearer) && !tickets {
		together("sasl_mechanism", "sasl_username")
	}
	c.checkOAuth(fail)
	c.checkKerberos(fail)
	together(oauthEndpoint, oauthID)
	together(oauthID, oauthSecret)
	together(oauthSecret, oauthEndpoint)
	if !tickets {
		together("sasl_username", "sasl_password")
		together("sasl_password", "sasl_username")
	}
	together("tls_cert", "tls_key")
	together("tls_key", "tls_cert")
	together("schema_registry_username", "schema_registry_password")
	together("schema_registry_password", "schema_registry_username")
	together("schema_registry_username", "schema_registry")
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// notStored stands in the file for a password that the script holds as it is.
const notStored = "(not stored)"

// Stored is the text that the file keeps: a password that stands in the script isn't in it.
func (c *Connection) Stored() string {
	text := c.decl.Text()
	var secrets []sql.Option
	for _, k := range options {
		if o, ok := c.given[k.name]; ok && k.secret && o.Kind != sql.OptEnv {
			secrets = append(secrets, o)
		}
	}
	slices.SortFunc(secrets, func(a, b sql.Option) int { return b.Value.Start - a.Value.Start })
	for _, o := range secrets {
		from := o.Value.Start - c.decl.Span.Start
		to := o.Value.End - c.decl.Span.Start
		text = text[:from] + "'" + notStored + "'" + text[to:]
	}
	return text
}

// Find is the connection that an option names.
func Find(env *kind.Env, src *sql.Source, name sql.Name) (*Connection, error) {
	if env.Declared != nil {
		if c, ok := env.Declared("connection", name.Text).(*Connection); ok {
			return c, nil
		}
	}
	hint := fmt.Sprintf("declare it: CREATE CONNECTION %s TO KAFKA (brokers 'host:9092')", name.Text)
	if env.Names != nil {
		hint = sql.DidYouMean(name.Text, env.Names("connection"), hint)
	}
	return nil, sql.Place{Src: src, Span: name.Span}.Errorf(code.UnknownConnection, "there is no connection %s", name.Text).
		WithHint(hint)
}

// Same says whether two connections that sources name themselves are to the same brokers.
func (c *Connection) Same(o *Connection) bool {
	a, b := c.given["brokers"], o.given["brokers"]
	return a.Kind == b.Kind && a.Text == b.Text
}
