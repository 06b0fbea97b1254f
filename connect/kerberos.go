package connect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// GSSAPI: each connection to a broker logs in with a ticket of Kerberos. What it is got with, a keytab, a password or the tickets that kinit
// left, is read anew each time: what was renewed is good for the next one.

const (
	mechanismGSSAPI   = "GSSAPI"
	kerberosKeytab    = "sasl_kerberos_keytab"
	kerberosPrincipal = "sasl_kerberos_principal"
	kerberosCache     = "sasl_kerberos_ccache"
	kerberosService   = "sasl_kerberos_service_name"
	kerberosConfig    = "sasl_kerberos_config"
)

// kerberosOptions come behind those of tokens; the names are librdkafka's, where it has one.
var kerberosOptions = []option{
	{name: kerberosPrincipal, doc: "GSSAPI: who logs in, 'dsql@EXAMPLE.COM' (without a realm: the default one); with " + kerberosKeytab +
		" or sasl_password"},
	{name: kerberosKeytab, doc: "GSSAPI: a file with the keys of that principal"},
	{name: kerberosCache, doc: "GSSAPI: the file of tickets that kinit wrote, where there is no principal (default: KRB5CCNAME, or that of the user)"},
	{name: kerberosService, doc: "GSSAPI: the name of the brokers' service (default kafka)"},
	{name: kerberosConfig, doc: "GSSAPI: the file that names the realm's servers (default: KRB5_CONFIG, or /etc/krb5.conf)"},
}

// checkKerberos finds options that don't go together.
func (c *Connection) checkKerberos(fail func(*sql.Error)) {
	mechanism, named := c.given["sasl_mechanism"]
	if named && mechanism.Kind == sql.OptEnv { // which one that is nobody knows yet
		return
	}
	if !strings.EqualFold(mechanism.Text, mechanismGSSAPI) {
		for _, k := range kerberosOptions {
			if o, ok := c.given[k.name]; ok {
				fail(c.place(o.At).Errorf(code.MissingOption, "%s needs sasl_mechanism 'GSSAPI'", k.name).WithHint("add sasl_mechanism 'GSSAPI'"))
				return
			}
		}
		return
	}
	keytab, byKeytab := c.given[kerberosKeytab]
	password, byPassword := c.given["sasl_password"]
	cache, byCache := c.given[kerberosCache]
	who, principal := c.given[kerberosPrincipal]
	if user, ok := c.given["sasl_username"]; ok {
		fail(c.place(user.At).Errorf(code.ContradictingOptions, "GSSAPI logs in as a principal, not as a sasl_username").
			WithHint("write " + kerberosPrincipal + " 'name@REALM'"))
	}
	switch {
	case byKeytab && byPassword:
		fail(c.place(keytab.At).Errorf(code.ContradictingOptions, "sasl_password and %s exclude each other", kerberosKeytab).
			WithHint("remove one of them"))
	case byCache && (principal || byKeytab || byPassword):
		fail(c.place(cache.At).Errorf(code.ContradictingOptions, "the tickets of %s are one principal's already", kerberosCache).
			WithHint("remove it, or " + kerberosPrincipal + " and what goes with it"))
	case byKeytab && !principal || byPassword && !principal:
		if byPassword {
			keytab = password
		}
		fail(c.place(keytab.At).Errorf(code.MissingOption, "GSSAPI needs a principal to log in as").
			WithHint("add " + kerberosPrincipal + " 'name@REALM'"))
	case principal && !byKeytab && !byPassword:
		fail(c.place(who.At).Errorf(code.MissingOption, "%s needs a keytab or a password", kerberosPrincipal).
			WithHint("add " + kerberosKeytab + " 'file', or sasl_password; or remove it and log in by kinit"))
	}
}

// tickets says that the login is by tickets of Kerberos.
func (c *Connection) tickets() bool {
	mechanism, _ := c.value("sasl_mechanism")
	return strings.EqualFold(mechanism, mechanismGSSAPI)
}

// kerberos is the login by tickets.
func (c *Connection) kerberos(env *kind.Env, v map[string]string) kgo.Opt {
	service := v[kerberosService]
	if service == "" {
		service = "kafka"
	}
	return kgo.SASL(&ticketing{c: c, env: env, v: v, service: service})
}

// ticketing is the mechanism.
type ticketing struct {
	c       *Connection
	env     *kind.Env
	v       map[string]string
	service string
}

// Name is the mechanism's.
func (k *ticketing) Name() string { return mechanismGSSAPI }

// Authenticate begins a login at a broker. The tickets are got aside: Kerberos' library hears of no context.
func (k *ticketing) Authenticate(ctx context.Context, address string) (sasl.Session, []byte, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, nil, err
	}
	type begun struct {
		s     *session
		first []byte
		err   error
	}
	done := make(chan begun, 1)
	go func() {
		cl, err := k.login()
		if err != nil {
			done <- begun{err: err}
			return
		}
		defer cl.Destroy()
		s, first, err := begin(cl, k.service+"/"+host)
		done <- begun{s, first, err}
	}()
	select {
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case b := <-done:
		if own := (*sql.Error)(nil); b.err != nil && !errors.As(b.err, &own) {
			b.err = k.explain(host, b.err)
		}
		return b.s, b.first, b.err
	}
}

// path is a file that an option names.
func (k *ticketing) path(name string) string {
	p := k.v[name]
	if p != "" && !filepath.IsAbs(p) {
		p = filepath.Join(k.env.DirOf(k.c.decl), p)
	}
	return p
}

// unreadable is an error of a file that option names, or that is there by default.
func (k *ticketing) unreadable(option, path string, err error, hint string) *sql.Error {
	return k.c.place(k.at(option)).Errorf(code.UnreadableFile, "%s can't be read: %v", path, err).WithHint(hint)
}

// at is where an option stands, or the mechanism.
func (k *ticketing) at(option string) sql.Span {
	if o, ok := k.c.given[option]; ok {
		return o.Value
	}
	return k.c.given["sasl_mechanism"].Value
}

// login is a client that has, or can get, tickets.
func (k *ticketing) login() (*client.Client, error) {
	path := k.path(kerberosConfig)
	if path == "" {
		path = os.Getenv("KRB5_CONFIG")
	}
	if path == "" {
		path = "/etc/krb5.conf"
	}
	conf, err := config.Load(path)
	if errors.As(err, new(config.UnsupportedDirective)) { // includedir, say
		err = nil
	}
	if err != nil {
		return nil, k.unreadable(kerberosConfig, path, err, "it is the file that names the realm's servers: "+kerberosConfig+" 'krb5.conf'")
	}
	settings := []func(*client.Settings){client.DisablePAFXFAST(true)}
	name, realm, _ := strings.Cut(k.v[kerberosPrincipal], "@")
	if realm == "" {
		realm = conf.LibDefaults.DefaultRealm
	}
	switch {
	case name == "":
		return k.cached(conf, settings)
	case k.v[kerberosKeytab] == "":
		return client.NewWithPassword(name, realm, k.v["sasl_password"], conf, settings...), nil
	}
	keys, err := keytab.Load(k.path(kerberosKeytab))
	if err != nil {
		return nil, k.unreadable(kerberosKeytab, k.path(kerberosKeytab), err, "it is a file of keys, as kadmin's ktadd writes it")
	}
	return client.NewWithKeytab(name, realm, keys, conf, settings...), nil
}

// cached is a client with the tickets that kinit left.
func (k *ticketing) cached(conf *config.Config, settings []func(*client.Settings)) (*client.Client, error) {
	path := k.path(kerberosCache)
	if path == "" {
		path = os.Getenv("KRB5CCNAME")
	}
	if path == "" {
		path = fmt.Sprintf("/tmp/krb5cc_%d", os.Getuid())
	}
	const hint = "log in by kinit, or name " + kerberosPrincipal + " with " + kerberosKeytab
	cache, err := credentials.LoadCCache(strings.TrimPrefix(path, "FILE:"))
	if err != nil {
		return nil, k.unreadable(kerberosCache, path, err, hint)
	}
	cl, err := client.NewFromCCache(cache, conf, settings...)
	if err != nil {
		return nil, k.c.place(k.at(kerberosCache)).Errorf(code.LoginRefused, "%s holds no ticket to log in with: %v", path, err).WithHint(hint)
	}
	return cl, nil
}

// explain says why there is no ticket for a broker's service.
func (k *ticketing) explain(host string, err error) *sql.Error {
	who := k.v[kerberosPrincipal]
	if who == "" {
		who = "the principal of the tickets"
	}
	text := err.Error()
	has := func(names ...string) bool {
		for _, n := range names {
			if strings.Contains(text, n) {
				return true
			}
		}
		return false
	}
	refuse := func(option, hint, format string, args ...any) *sql.Error {
		return k.c.place(k.at(option)).Errorf(code.LoginRefused, format, args...).WithHint(hint).WithCause(err)
	}
	switch {
	case has("KRB_AP_ERR_SKEW", "clock skew"):
		return refuse("sasl_mechanism", "set the clock of this machine (Kerberos allows five minutes)", "this machine's clock and that of Kerberos' "+
			"server differ by too much")
	case has("KDC_ERR_C_PRINCIPAL_UNKNOWN"):
		return refuse(kerberosPrincipal, "check its name and realm: kadmin's getprinc", "Kerberos knows no principal %s", who)
	case has("KDC_ERR_S_PRINCIPAL_UNKNOWN"):
		return refuse(kerberosService, "`brokers` names them as their keytab does, by their full host names; is "+kerberosService+" right?",
			"Kerberos knows no service %s/%s", k.service, host)
	case has("KDC_ERR_PREAUTH_FAILED", "KRB_AP_ERR_BAD_INTEGRITY", "matching key not found", "KDC_ERR_NULL_KEY", "Decrypting_Error"):
		return refuse(kerberosPrincipal, "check the password, or make the keytab anew (ktadd): keys change with the password",
			"Kerberos refuses the login of %s: its password or keys are others", who)
	case has("KDC_ERR_WRONG_REALM", "no KDC SRV records", "no KDCs defined"):
		return refuse(kerberosPrincipal, "[realms] of krb5.conf says where its servers are; is the realm right?",
			"no server is known for the realm of %s", who)
	case has("Networking_Error"):
		return k.c.place(k.at(kerberosConfig)).Errorf(code.BrokerUnreachable, "Kerberos' server can't be reached: %s", rootOf(text)).
			WithHint("check that it runs, and its address in krb5.conf").WithCause(err)
	case has("KRB_AP_ERR_TKT_EXPIRED", "KDC_ERR_NEVER_VALID", "no valid existing session"):
		return refuse(kerberosCache, "log in by kinit again", "the tickets are no longer good")
	}
	return refuse("sasl_mechanism", "see the log of Kerberos' server", "there is no ticket for %s/%s: %s", k.service, host, rootOf(text))
}

// rootOf is what went wrong, without the ways that led there, which gokrb5 tells before it.
func rootOf(text string) string {
	for _, mark := range []string{": dial ", ": read ", " < ", "] "} {
		if i := strings.LastIndex(text, mark); i >= 0 {
			return strings.TrimRight(text[i+len(mark):], ")")
		}
	}
	return text
}
