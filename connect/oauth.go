package connect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"

	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// OAUTHBEARER: each connection to a broker logs in with a token, and again before the brokers take it for too old. It is asked for when it
// is needed: a file is read again, a command run again, and an endpoint asked again when its last token is about to end.

const (
	bearer         = "OAUTHBEARER"
	oauthToken     = "sasl_oauthbearer_token"
	oauthFile      = "sasl_oauthbearer_token_file"
	oauthCommand   = "sasl_oauthbearer_token_command"
	oauthEndpoint  = "sasl_oauthbearer_token_endpoint_url"
	oauthID        = "sasl_oauthbearer_client_id"
	oauthSecret    = "sasl_oauthbearer_client_secret"
	oauthScope     = "sasl_oauthbearer_scope"
	oauthExtension = "sasl_oauthbearer_extensions"
)

// oauthOptions come behind the other options of logins; their names are librdkafka's.
var oauthOptions = []option{
	{name: oauthToken, doc: "OAUTHBEARER: the token", secret: true},
	{name: oauthFile, doc: "OAUTHBEARER: a file that holds the token; read for each login"},
	{name: oauthCommand, doc: "OAUTHBEARER: a command that prints the token; run for each login"},
	{name: oauthEndpoint, doc: "OAUTHBEARER: the URL that gives tokens for client credentials"},
	{name: oauthID, doc: "who asks there"},
	{name: oauthSecret, doc: "its secret", secret: true},
	{name: oauthScope, doc: "the scope that is asked for"},
	{name: oauthExtension, doc: "what brokers are told beside the token: 'logicalCluster=lkc-1,identityPoolId=pool-1'"},
}

// tokens are those that say where a token comes from.
var tokens = []string{oauthToken, oauthFile, oauthCommand, oauthEndpoint}

// checkOAuth finds options that don't go together.
func (c *Connection) checkOAuth(fail func(*sql.Error)) {
	mechanism, named := c.given["sasl_mechanism"]
	var of []string
	for _, name := range tokens {
		if _, ok := c.given[name]; ok {
			of = append(of, name)
		}
	}
	switch {
	case mechanism.Kind == sql.OptEnv: // which one that is nobody knows yet
	case !named || !strings.EqualFold(mechanism.Text, bearer):
		for _, k := range oauthOptions {
			if o, ok := c.given[k.name]; ok {
				fail(c.place(o.At).Errorf(code.MissingOption, "%s needs sasl_mechanism 'OAUTHBEARER'", k.name).
					WithHint("add sasl_mechanism 'OAUTHBEARER'"))
				return
			}
		}
		return
	case len(of) == 0:
		fail(c.place(mechanism.At).Errorf(code.MissingOption, "OAUTHBEARER needs a token").
			WithHint(sql.Listed("add one of ", tokens, "")))
	}
	if len(of) > 1 {
		fail(c.place(c.given[of[1]].At).Errorf(code.ContradictingOptions, "%s and %s exclude each other", of[0], of[1]).
			WithHint("remove one of them"))
	}
}

// bears says that the login is by tokens.
func (c *Connection) bears() bool {
	mechanism, _ := c.value("sasl_mechanism")
	return strings.EqualFold(mechanism, bearer)
}

// oauth is the login by tokens.
func (c *Connection) oauth(env *kind.Env, v map[string]string) (kgo.Opt, error) {
	more := map[string]string{}
	for pair := range strings.SplitSeq(v[oauthExtension], ",") {
		if name, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
			more[name] = value
		}
	}
	if _, err := url.ParseRequestURI(v[oauthEndpoint]); v[oauthEndpoint] != "" && err != nil {
		return nil, c.place(c.given[oauthEndpoint].Value).Errorf(code.BadConnection, "%s is no URL", v[oauthEndpoint]).
			WithHint("it begins with https://")
	}
	e := &endpoint{c: c, v: v}
	return kgo.SASL(told{c, oauth.Oauth(func(ctx context.Context) (a oauth.Auth, err error) {
		a.Extensions = more
		switch {
		case v[oauthFile] != "":
			a.Token, err = c.tokenOfFile(env, v[oauthFile])
		case v[oauthCommand] != "":
			a.Token, err = c.tokenOfCommand(ctx, env, v[oauthCommand])
		case v[oauthEndpoint] != "":
			a.Token, err = e.token(ctx)
		default:
			a.Token = v[oauthToken]
		}
		return a, err
	})}), nil
}

// told is a mechanism that hears why brokers refuse a token: they say so first, and refuse the login when that was heard.
type told struct {
	c *Connection
	sasl.Mechanism
}

// Authenticate begins a login.
func (t told) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	s, first, err := t.Mechanism.Authenticate(ctx, host)
	return hearing{t.c, s}, first, err
}

type hearing struct {
	c *Connection
	sasl.Session
}

// Challenge reads what brokers answer, nothing where they take the token.
func (h hearing) Challenge(answer []byte) (bool, []byte, error) {
	if len(answer) == 0 {
		return h.Session.Challenge(answer)
	}
	var why struct{ Status, Scope string }
	if json.Unmarshal(answer, &why) != nil || why.Status == "" {
		why.Status = fmt.Sprintf("%q", answer)
	}
	if why.Scope != "" {
		why.Status += ", the scope is to be " + why.Scope
	}
	return false, nil, h.c.refusef("sasl_mechanism", "check the token: who it is for, and until when",
		"the brokers refuse the token: %s", why.Status)
}

// refusef is an error of a token, at the option that says where it comes from.
func (c *Connection) refusef(option, hint, format string, args ...any) *sql.Error {
	return c.place(c.given[option].Value).Errorf(code.LoginRefused, format, args...).WithHint(hint)
}

func (c *Connection) tokenOfFile(env *kind.Env, path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.DirOf(c.decl), path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", c.place(c.given[oauthFile].Value).Errorf(code.UnreadableFile, "%s can't be read: %v", path, errors.Unwrap(err)).
			WithHint("relative paths start at the script's folder")
	}
	return c.tokenIn(oauthFile, b, path+" holds no token")
}

// commandTime is how long a command may take.
const commandTime = 30 * time.Second

func (c *Connection) tokenOfCommand(ctx context.Context, env *kind.Env, text string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", text)
	cmd.Dir = env.DirOf(c.decl)
	cmd.WaitDelay = time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		last := strings.TrimSpace(said.String())
		if i := strings.LastIndexByte(last, '\n'); i >= 0 {
			last = last[i+1:]
		}
		return "", c.refusef(oauthCommand, "it prints the token and ends with 0", "the command of the token fails: %s", strings.TrimSuffix(
			fmt.Sprintf("%v: %s", err, last), ": "))
	}
	return c.tokenIn(oauthCommand, out.Bytes(), "the command prints no token")
}

// tokenIn is the token in a text: all of it, or the access_token of an answer of an endpoint.
func (c *Connection) tokenIn(option string, text []byte, none string) (string, error) {
	text = bytes.TrimSpace(text)
	var answer struct {
		Token string `json:"access_token"`
	}
	if len(text) > 0 && text[0] == '{' && json.Unmarshal(text, &answer) == nil {
		text = []byte(answer.Token)
	}
	if len(text) == 0 || bytes.ContainsAny(text, " \t\n\r") {
		return "", c.refusef(option, "a token is one word", "%s", none)
	}
	return string(text), nil
}

// endpoint gives tokens for client credentials.
type endpoint struct {
	c     *Connection
	v     map[string]string
	mu    sync.Mutex
	last  string
	until time.Time // it is good for new logins
}

// Limits of an endpoint's answer.
const (
	answerTime  = 8 * time.Second
	answerBytes = 1 << 20
	spare       = 30 * time.Second // a token is not used for a login that is so near to its end
)

func (e *endpoint) token(ctx context.Context) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last != "" && time.Now().Before(e.until) {
		return e.last, nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	form := url.Values{"grant_type": {"client_credentials"}}
	if s := e.v[oauthScope]; s != "" {
		form.Set("scope", s)
	}
	to := e.v[oauthEndpoint]
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(e.v[oauthID]), url.QueryEscape(e.v[oauthSecret]))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", e.c.place(e.c.given[oauthEndpoint].Value).Errorf(code.BrokerUnreachable, "%s, which gives tokens, can't be reached: %s", to,
			cause(errors.Unwrap(err))).WithHint("check the URL, and that it answers").WithCause(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, answerBytes))
	var answer struct {
		Token   string  `json:"access_token"`
		Seconds float64 `json:"expires_in"`
		Error   string  `json:"error"`
		Why     string  `json:"error_description"`
	}
	parsed := json.Unmarshal(body, &answer)
	switch {
	case res.StatusCode >= http.StatusInternalServerError || err != nil:
		return "", e.c.place(e.c.given[oauthEndpoint].Value).Errorf(code.BrokerUnreachable, "%s gives no token: %s", to, res.Status).
			WithHint("see its log")
	case res.StatusCode != http.StatusOK || parsed != nil || answer.Token == "":
		why := strings.TrimSpace(answer.Error + " " + answer.Why)
		if why == "" {
			why = "no access_token in the answer"
		}
		return "", e.c.refusef(oauthEndpoint, "check "+oauthID+", "+oauthSecret+" and "+oauthScope, "%s gives no token: %s: %s", to, res.Status,
			why)
	}
	e.last = answer.Token
	e.until = time.Now().Add(time.Duration(answer.Seconds*float64(time.Second)) - spare)
	return e.last, nil
}
