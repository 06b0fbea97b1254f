package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// bearers lets the cluster take logins by one token, and remembers what it was told.
type bearers struct {
	sync.Mutex
	token string
	told  []string
}

func (b *bearers) at(k *kafka) {
	k.fake.ControlKey(int16(kmsg.SASLHandshake), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		res := req.ResponseKind().(*kmsg.SASLHandshakeResponse)
		res.SupportedMechanisms = []string{"OAUTHBEARER"}
		if req.(*kmsg.SASLHandshakeRequest).Mechanism != "OAUTHBEARER" {
			res.ErrorCode = kerr.UnsupportedSaslMechanism.Code
		}
		return res, nil, true
	})
	k.fake.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		b.Lock()
		defer b.Unlock()
		said := req.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes
		b.told = append(b.told, string(said))
		res := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		switch {
		case bytes.Contains(said, []byte("Bearer old\x01")): // as real brokers say it
			res.SASLAuthBytes = []byte(`{"status":"invalid_token"}`)
		case !bytes.Contains(said, []byte("\x01auth=Bearer "+b.token+"\x01")):
			res.ErrorCode, res.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr("no such token")
		}
		return res, nil, true
	})
}

// Tokens from the script, the environment, a file, a command and an endpoint; and what goes wrong with each.
func TestKafkaOAuth(t *testing.T) {
	k := newKafka(t, 1, true)
	k.put(`{"id":1}`)
	b := &bearers{token: "good"}
	b.at(k)
	asked := 0
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		id, secret, _ := r.BasicAuth()
		switch {
		case r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "kafka read":
			w.WriteHeader(http.StatusBadRequest)
		case id != "me" || secret != "pa%2Fss":
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"who are you?"}`)
		default:
			fmt.Fprint(w, `{"access_token":"good","expires_in":3600,"token_type":"Bearer"}`)
		}
	}))
	defer endpoint.Close()
	k.env = []string{"TOKEN=good", "SECRET=pa/ss"}
	try := func(options string) {
		k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', sasl_mechanism 'oauthbearer'" + options +
			");\nCREATE SOURCE ev (id BIGINT) FROM KAFKA (connection c, topic '{topic}');\nCREATE STREAM s FROM ev;")
	}
	credentials := ", sasl_oauthbearer_token_endpoint_url '" + endpoint.URL + "', sasl_oauthbearer_client_id 'me', " +
		"sasl_oauthbearer_client_secret env('SECRET'), sasl_oauthbearer_scope 'kafka read'"
	put(t, filepath.Join(k.dir, "token"), "good\n")
	for _, options := range []string{", sasl_oauthbearer_token env('TOKEN')", ", sasl_oauthbearer_token 'good'",
		", sasl_oauthbearer_token_file 'token', sasl_oauthbearer_extensions 'logicalCluster=lkc-1'",
		`, sasl_oauthbearer_token_command 'echo {\"access_token\": \"$(cat token)\"}'`, credentials} {
		try(options)
		k.runs()
	}
	k.is("SELECT id FROM s", "1")
	if asked != 1 {
		t.Errorf("the endpoint was asked %d times", asked)
	}
	if all := strings.Join(b.told, " "); !strings.Contains(all, "\x01logicalCluster=lkc-1\x01") {
		t.Errorf("no extensions in %q", all)
	}
	if text, _ := os.ReadFile(filepath.Join(k.dir, "s.duckdb")); bytes.Contains(text, []byte("pa/ss")) ||
		bytes.Contains(text, []byte("token 'good'")) {
		t.Error("a secret stands in the file")
	}
	for options, want := range map[string]string{
		", sasl_oauthbearer_token 'bad'":                         "refuse the login",
		", sasl_oauthbearer_token 'old'":                         "the brokers refuse the token: invalid_token",
		", sasl_oauthbearer_token_file 'nowhere'":                "[unreadable-file]",
		", sasl_oauthbearer_token_command 'echo no >&2; exit 3'": "the command of the token fails: exit status 3: no",
		", sasl_oauthbearer_token_command 'true'":                "the command prints no token",
		strings.Replace(credentials, "'me'", "'you'", 1):         "gives no token: 401 Unauthorized: invalid_client who are you?",
		strings.Replace(credentials, "//127", "//x127", 1):       "which gives tokens, can't be reached",
	} {
		try(options)
		k.fails(4, want)
	}
	for options, want := range map[string]string{
		"": "OAUTHBEARER needs a token",
		", sasl_oauthbearer_token 'a', sasl_oauthbearer_token_file 'b'": "exclude each other",
		", sasl_oauthbearer_token_endpoint_url 'https://x'":             "sasl_oauthbearer_client_id",
	} {
		try(options)
		k.fails(2, want)
	}
	k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', sasl_oauthbearer_token 'a');")
	k.fails(2, "needs sasl_mechanism 'OAUTHBEARER'")
	k.env = append(k.env, "HOW=oauthbearer")
	named := func(options string) {
		k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', sasl_mechanism env('HOW')" + options +
			");\nCREATE SOURCE ev (id BIGINT) FROM KAFKA (connection c, topic '{topic}');\nCREATE STREAM s FROM ev;")
	}
	named(", sasl_oauthbearer_token 'good'")
	k.runs()
	named(", sasl_oauthbearer_token 'bad'")
	k.fails(4, "check the token")
	named(", sasl_oauthbearer_token 'a', sasl_oauthbearer_token_file 'b'")
	k.fails(2, "exclude each other")
}
