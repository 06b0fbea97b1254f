package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"github.com/twmb/franz-go/pkg/sr"

	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Patience is how long the first contact with a cluster may take.
const Patience = 8 * time.Second

// How long connecting to an address may take: with several of them the next is tried sooner, as one that lives is enough.
const (
	dialOne  = 5 * time.Second
	dialMany = 2 * time.Second
)

// seeds is how many addresses there are.
func (c *Connection) seeds() int {
	brokers, _ := c.value("brokers")
	return strings.Count(brokers, ",") + 1
}

// value is an option's value; env() is read here and now.
func (c *Connection) value(name string) (string, error) {
	o, ok := c.given[name]
	switch {
	case !ok:
		return "", nil
	case o.Kind == sql.OptEnv:
		v, set := os.LookupEnv(o.Text)
		if !set || v == "" {
			return "", c.place(o.Value).Errorf(code.NoEnv, "the environment has no %s, which %s is read from", o.Text, name).
				WithHint("set it: export " + o.Text + "=…").WithExit(code.ExitUnreachable)
		}
		return v, nil
	case o.Text == notStored:
		return "", c.place(o.Value).Errorf(code.NotStored, "%s is not kept in the file", name).
			WithHint("run the script that declares the connection, or write " + name + " env('NAME') there")
	}
	return o.Text, nil
}

func (c *Connection) place(at sql.Span) sql.Place { return sql.Place{Src: c.src, Span: at} }

// Kafka are the options of a client of the cluster. Files are read here; nothing is connected yet.
func (c *Connection) Kafka(env *kind.Env) ([]kgo.Opt, error) {
	v := map[string]string{}
	for _, o := range options {
		s, err := c.value(o.name)
		if err != nil {
			return nil, err
		}
		v[o.name] = s
	}
	var seeds []string
	for s := range strings.SplitSeq(v["brokers"], ",") {
		if s = strings.TrimSpace(s); s != "" {
			seeds = append(seeds, s)
		}
	}
	dial := dialOne
	if len(seeds) > 1 {
		dial = dialMany
	}
	id := v["client_id"]
	if id == "" {
		id = "dsql"
	}
	opts := []kgo.Opt{kgo.SeedBrokers(seeds...), kgo.ClientID(id), kgo.DialTimeout(dial), kgo.DisableClientMetrics()}
	if strings.EqualFold(v["sasl_mechanism"], mechanismGSSAPI) {
		opts = append(opts, c.kerberos(env, v))
	} else if strings.EqualFold(v["sasl_mechanism"], bearer) {
		login, err := c.oauth(env, v)
		if err != nil {
			return nil, err
		}
		opts = append(opts, login)
	} else if user := v["sasl_username"]; user != "" {
		switch strings.ToUpper(v["sasl_mechanism"]) {
		case "SCRAM-SHA-256":
			opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: v["sasl_password"]}.AsSha256Mechanism()))
		case "SCRAM-SHA-512":
			opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: v["sasl_password"]}.AsSha512Mechanism()))
		default:
			opts = append(opts, kgo.SASL(plain.Auth{User: user, Pass: v["sasl_password"]}.AsMechanism()))
		}
	}
	conf, err := c.tls(env, v)
	if conf != nil {
		opts = append(opts, kgo.Dialer(c.dialTLS(env, v, dial)))
	}
	return opts, err
}

// dialTLS connects with what the files of certificates hold then: one that was renewed is good for the next connection.
func (c *Connection) dialTLS(env *kind.Env, v map[string]string, patience time.Duration) func(context.Context, string, string) (net.Conn,
	error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conf, err := c.tls(env, v)
		if err != nil {
			return nil, err
		}
		return (&tls.Dialer{NetDialer: &net.Dialer{Timeout: patience}, Config: conf}).DialContext(ctx, network, address)
	}
}

// tls is the configuration for TLS, nil for none.
func (c *Connection) tls(env *kind.Env, v map[string]string) (*tls.Config, error) {
	wanted := strings.EqualFold(v["tls"], "true") || v["tls"] == "" && v["tls_ca"]+v["tls_cert"]+v["tls_server_name"] != ""
	if !wanted {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: v["tls_server_name"]}
	read := func(name string) ([]byte, error) {
		p := v[name]
		if !filepath.IsAbs(p) {
			p = filepath.Join(env.DirOf(c.decl), p)
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return nil, c.place(c.given[name].Value).Errorf(code.UnreadableFile, "%s can't be read: %v", v[name], errors.Unwrap(err)).
				WithHint("relative paths start at the script's folder")
		}
		return b, nil
	}
	if v["tls_ca"] != "" {
		pem, err := read("tls_ca")
		if err != nil {
			return nil, err
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, c.place(c.given["tls_ca"].Value).Errorf(code.BadCertificate, "%s holds no certificate in PEM", v["tls_ca"]).
				WithHint("it begins with -----BEGIN CERTIFICATE-----")
		}
	}
	if v["tls_cert"] != "" {
		cert, err := read("tls_cert")
		if err != nil {
			return nil, err
		}
		key, err := read("tls_key")
		if err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, c.place(c.given["tls_cert"].Value).Errorf(code.BadCertificate, "%s and %s are no certificate and its key: %v", v["tls_cert"],
				v["tls_key"], err).
				WithHint("both are PEM files")
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// HasRegistry says whether the connection names a schema registry.
func (c *Connection) HasRegistry() bool { _, ok := c.given["schema_registry"]; return ok }

// Registry is a client of the schema registry.
func (c *Connection) Registry() (*sr.Client, error) {
	url, err := c.value("schema_registry")
	if err != nil {
		return nil, err
	}
	if url == "" {
		return nil, c.place(c.at).Errorf(code.NoRegistry, "the connection has no schema_registry").
			WithHint("add schema_registry 'http://host:8081'").WithExit(code.ExitUnreachable)
	}
	opts := []sr.ClientOpt{sr.URLs(url), sr.UserAgent("dsql")}
	user, err := c.value("schema_registry_username")
	if err != nil {
		return nil, err
	}
	if user != "" {
		pass, err := c.value("schema_registry_password")
		if err != nil {
			return nil, err
		}
		opts = append(opts, sr.BasicAuth(user, pass))
	}
	return sr.NewClient(opts...)
}

// Dial makes a client and waits for the cluster's first answer, Patience at most. An error has its place at the connection's
// declaration, and exit code 4.
func (c *Connection) Dial(ctx context.Context, env *kind.Env, more ...kgo.Opt) (*kgo.Client, error) {
	opts, err := c.Kafka(env)
	if err != nil {
		return nil, err
	}
	tried := &attempts{enough: c.seeds() + 5}
	cl, err := kgo.NewClient(append(append(opts, kgo.WithHooks(tried)), more...)...)
	if err != nil {
		return nil, c.place(c.at).Errorf(code.BadConnection, "%s", err).WithHint("see docs/kafka.md for the options")
	}
	if err := c.reach(ctx, cl, tried); err != nil {
		cl.Close()
		return nil, err
	}
	return cl, nil
}

// Reach asks the cluster whether it is there.
func (c *Connection) Reach(ctx context.Context, cl *kgo.Client) error {
	return c.reach(ctx, cl, &attempts{enough: c.seeds() + 5})
}

func (c *Connection) reach(ctx context.Context, cl *kgo.Client, tried *attempts) error {
	within, cancel := context.WithTimeout(ctx, max(Patience, time.Duration(c.seeds()+1)*dialMany))
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- cl.Ping(within) }()
	var err error
	select {
	case err = <-done:
	case <-tried.hopeless():
		err = tried.last()
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if last := tried.last(); last != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kgo.ErrClientClosed) ||
		errors.As(last, new(*advertised))) {
		err = last
	}
	return c.Unreachable(err)
}

// attempts remembers what connecting to brokers gave.
type attempts struct {
	mu     sync.Mutex
	err    error
	failed int
	enough int // failures: each address was tried
	stop   chan struct{}
}

// OnBrokerConnect is called by the client.
func (a *attempts) OnBrokerConnect(b kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil && b.NodeID >= 0 { // addresses that brokers names have negative ones
		err = &advertised{net.JoinHostPort(b.Host, fmt.Sprint(b.Port)), err}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err = err; err == nil {
		return
	}
	if a.failed++; a.failed == a.enough && a.stop != nil {
		close(a.stop)
	}
}

// hopeless is closed when connecting has failed a few times: there is no use in waiting longer.
func (a *attempts) hopeless() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stop == nil {
		a.stop = make(chan struct{})
		if a.failed >= a.enough {
			close(a.stop)
		}
	}
	return a.stop
}

func (a *attempts) last() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}
