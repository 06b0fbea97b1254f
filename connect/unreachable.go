package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/sql"
	"dsql/sql/code"
)

// Unreachable says what went wrong on the way to the cluster.
func (c *Connection) Unreachable(err error) *sql.Error {
	var own *sql.Error // of a token, or a certificate
	if errors.As(err, &own) {
		return own
	}
	brokers, _ := c.value("brokers")
	named := strings.Split(strings.ReplaceAll(brokers, " ", ""), ",")
	at := c.at
	if o, ok := c.given["brokers"]; ok {
		at = o.Value
	}
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var answer *kerr.Error
	_, sasl := c.given["sasl_username"]
	login := "check sasl_mechanism, sasl_username and sasl_password"
	if c.bears() {
		sasl, login = true, "check the token: who it is for, and until when"
	} else if c.tickets() {
		sasl, login = true, "see the brokers' logs: is the keytab of their service that of the ticket, and their clock right?"
	}
	told := &advertised{}
	if !errors.As(err, &told) {
		if told.of(err); told.err == nil && errors.As(err, &dns) { // whoever dialled it, the name tells where it is from
			told.address, told.err = dns.Name, dns
		}
	}
	known := slices.ContainsFunc(named, func(b string) bool { return b == told.address || strings.HasPrefix(b, told.address+":") })
	if known && told.err != nil { // of several brokers it is this one
		brokers = told.address
	}
	refuse := func(k code.Code, hint, format string, args ...any) *sql.Error {
		return c.place(at).Errorf(k, format, args...).WithHint(hint).WithCause(err)
	}
	closed := errors.Is(err, io.EOF) || errors.As(err, new(*kgo.ErrFirstReadEOF))
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed) || errors.Is(err, kerr.UnsupportedSaslMechanism) ||
		errors.Is(err, kerr.IllegalSaslState) || strings.Contains(strings.ToUpper(err.Error()), "SASL"):
		return refuse(code.LoginRefused, login, "the brokers %s refuse the login: %s", brokers, cause(err))
	case errors.As(err, &unknown):
		return refuse(code.BadCertificate, "name the authority's file: tls_ca 'ca.pem'",
			"the certificate of %s is signed by an unknown authority", brokers)
	case errors.As(err, &host):
		return refuse(code.BadCertificate, "tls_server_name 'name' says which name stands in it",
			"the certificate of %s is for another host: %s", brokers, cause(err))
	case closed && sasl && !errors.As(err, &record) && !errors.As(err, &dns):
		return refuse(code.LoginRefused, login+"; or the listener wants TLS (tls true)", "%s closes the connection at the login", brokers)
	case told.err != nil && !known:
		return refuse(code.BrokerUnreachable, "that address is advertised.listeners of the broker: it must be one that this machine reaches "+
			"(of a broker in a container: the host's)",
			"%s answers and sends clients to %s, which can't be reached from here: %s", brokers, told.address, cause(told.err))
	case errors.As(err, &record):
		return refuse(code.BrokerUnreachable, "take tls away, or use the port of the TLS listener", "%s does not speak TLS", brokers)
	case errors.As(err, &dns):
		return refuse(code.BrokerUnreachable, "check the name in brokers", "no host %s is known", dns.Name)
	case closed:
		return refuse(code.BrokerUnreachable, "it may want TLS (tls true) or a login (sasl_username …)", "%s closes the connection at once",
			brokers)
	case errors.Is(err, context.DeadlineExceeded):
		return refuse(code.BrokerUnreachable, "check that the broker runs, and that the port is that of a Kafka listener",
			"%s does not answer within %d s", brokers, Patience/time.Second)
	case errors.As(err, &answer):
		return refuse(code.BrokerUnreachable, "see the brokers' logs", "%s answers: %s", brokers, cause(err))
	}
	return refuse(code.BrokerUnreachable, "check that the broker runs, and its host and port", "%s can't be reached: %s", brokers, cause(err))
}

// advertised is a failure at an address that the cluster told, not at one that brokers names.
type advertised struct {
	address string
	err     error
}

func (a *advertised) Error() string { return a.address + ": " + a.err.Error() }
func (a *advertised) Unwrap() error { return a.err }

// of takes the broker from a request that went to several of them, where one has failed.
func (a *advertised) of(err error) {
	var shards *kadm.ShardErrors
	if !errors.As(err, &shards) {
		return
	}
	for _, s := range shards.Errs {
		if s.Broker.NodeID >= 0 && s.Broker.Host != "" && !errors.As(s.Err, new(*kerr.Error)) {
			a.address, a.err = net.JoinHostPort(s.Broker.Host, fmt.Sprint(s.Broker.Port)), s.Err
			return
		}
	}
}

// Denied is the error of a right on a topic or group that the brokers refuse: what it was wanted for, and how it is given.
func (c *Connection) Denied(err error, to, right, kind, name string) *sql.Error {
	user, _ := c.value("sasl_username")
	who, principal := "the login "+user, "User:"+user
	switch _, cert := c.given["tls_cert"]; {
	case c.bears():
		who, principal = "the login of this token", "'User:…'"
	case c.tickets():
		who, principal = "the principal of this ticket", "'User:…'"
	case user == "" && cert:
		who, principal = "the client of this certificate", "'User:CN=…'"
	case user == "":
		who, principal = "a client without a login", "User:ANONYMOUS"
	}
	grant := fmt.Sprintf("kafka-acls --add --allow-principal %s --operation %s --%s %s", principal, right, kind, name)
	return sql.Errorf(code.NotAuthorised, "%s may not %s the %s %s", who, to, kind, name).
		WithHint("whoever runs the cluster grants it: " + grant).WithCause(err)
}

// cause is the innermost message that says something to a user.
func cause(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
		if inner := errors.Unwrap(err); inner != nil {
			err = inner
		}
	}
	var k *kerr.Error
	if errors.As(err, &k) {
		return k.Description
	}
	return err.Error()
}
