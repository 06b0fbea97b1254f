package watch

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dsql/engine/kind"
	"dsql/sql"
)

func alertTo(t *testing.T, to string) kind.Alerter {
	t.Helper()
	stmts, err := sql.Parse(sql.NewSource("a.sql", "CREATE ALERT a ON CHECK s.c TO "+to), []*sql.Syntax{AlertKind.Syntax})
	if err != nil {
		t.Fatal(err)
	}
	o, err := AlertKind.Compile(stmts[0].Decl)
	if err != nil {
		t.Fatal(err)
	}
	a, ok := o.(kind.Alerter)
	if !ok {
		t.Fatal("an alert is no kind.Alerter")
	}
	return a
}

// A receiver that hangs, fails, sends elsewhere or isn't there is an error that doesn't tell its address.
func TestSendErrors(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	gone := make(chan struct{})
	mux.HandleFunc("/secret/hang", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	})
	mux.HandleFunc("/secret/500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	mux.HandleFunc("/secret/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/secret/ok", http.StatusFound) })
	mux.HandleFunc("/secret/ok", func(http.ResponseWriter, *http.Request) {})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(gone) })
	for to, want := range map[string]string{
		"WEBHOOK '" + s.URL + "/secret/ok'":             "",
		"WEBHOOK '" + s.URL + "/secret/500'":            "500",
		"WEBHOOK '" + s.URL + "/secret/away'":           "302",
		"WEBHOOK '" + s.URL + "/secret/hang'":           "did not answer",
		"WEBHOOK 'http://127.0.0.1:1/secret'":           "can't be reached",
		"WEBHOOK env('NO_SUCH_VARIABLE_OF_DSQL')":       "NO_SUCH_VARIABLE_OF_DSQL is not set",
		"COMMAND 'cat > /dev/null'":                     "",
		"COMMAND 'echo no way >&2; exit 3'":             "no way",
		"COMMAND 'sleep 60'":                            "did not end",
		"COMMAND 'test \"$DSQL_ALERT_ID\" = x-1'":       "",
		"COMMAND 'head -c 10000000 /dev/zero; exit 1'":  "exit status 1",
		"COMMAND 'grep -q \"\\\"state\\\"\" || exit 4'": "",
	} {
		t.Run(to[:min(len(to), 24)]+want, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			if strings.Contains(to, "hang") || strings.Contains(to, "sleep") {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
			}
			err := alertTo(t, to).Send(ctx, kind.Message{ID: "x-1", Body: []byte(`{"state": "firing"}`)})
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v", err)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || len(err.Error()) > 700) {
				t.Errorf("it tells the address, or too much: %v", err)
			}
		})
	}
}
