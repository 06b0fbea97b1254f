package serve_test

import (
	"html"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dsql/serve"
)

var button = regexp.MustCompile(`<form method="post" action="([^"]*)"><input type="hidden" name="token" value="([^"]*)">`)

// press presses the button of a page of rejects; header says where the browser says it is.
func (r *running) press(page string, header ...string) (status int, body, to string) {
	r.t.Helper()
	_, text, _ := r.get(page, header...)
	m := button.FindStringSubmatch(text)
	if m == nil {
		r.t.Fatalf("%s has no button: %s", page, text)
	}
	status, body, to = r.submit(html.UnescapeString(m[1]), "token="+m[2], append([]string{"Origin", r.url}, header...)...)
	return status, body, to
}

func (r *running) submit(path, form string, header ...string) (status int, body, to string) {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodPost, r.url+path, strings.NewReader(form))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req) // a redirect isn't followed
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header.Get("Location")
}

// outcome waits for what came of what was sent.
func (r *running) outcome(address string, header ...string) string {
	r.t.Helper()
	for range 3000 {
		_, body, h := r.get(address, header...)
		if h.Get("Refresh") == "" {
			_, body, _ = strings.Cut(body, `<section id="sent"`)
			body, _, _ = strings.Cut(body, "</section>")
			return body
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("the writer doesn't take it")
	return ""
}

// The button sends those of the filter, once; what came of them is shown.
func TestReplayButton(t *testing.T) {
	r, _ := withPeople(t, func(o *serve.Options) { o.AllowReplay = true })
	status, _, to := r.press("/rejects?dest=people")
	if status != 303 || !strings.HasPrefix(to, "/rejects?dest=people&sent=") {
		t.Fatalf("%d, to %s", status, to)
	}
	if got := r.outcome(to); !strings.Contains(got, `<td><b>people</b></td><td class="r">1</td><td class="r">0</td><td class="r bad">1</td>`) {
		t.Errorf("what came of it: %s", got)
	}
	_, _, to = r.press("/rejects?src=f&code=bad_record")
	if got := r.outcome(to); !strings.Contains(got, "1 record still can’t be read") {
		t.Errorf("what came of bad records: %s", got)
	}
	if _, body, _ := r.get("/rejects?sent=nothing"); !strings.Contains(body, "Nothing is known any more") {
		t.Errorf("an address of another process: %s", body)
	}
}

// Where somebody else presses it, nothing happens.
func TestReplayIsNobodyElses(t *testing.T) {
	r, _ := withPeople(t)
	if _, body, _ := r.get("/rejects"); strings.Contains(body, "Send again") || !strings.Contains(body, "FROM</i> people;") {
		t.Errorf("without --allow-replay: %s", body)
	}
	if status, _, _ := r.submit("/rejects/replay", "token=x", "Origin", r.url); status != 403 {
		t.Errorf("without --allow-replay: %d", status)
	}
	r, _ = withPeople(t, func(o *serve.Options) { o.AllowReplay = true })
	_, text, _ := r.get("/rejects?dest=people")
	m := button.FindStringSubmatch(text)
	path, token := html.UnescapeString(m[1]), "token="+m[2]
	for name, status := range map[string]int{
		"no origin":      first(r.submit(path, token)),
		"another site":   first(r.submit(path, token, "Origin", "https://example.org")),
		"no page":        first(r.submit(path, token, "Origin", "null")),
		"another port":   first(r.submit(path, token, "Origin", "http://127.0.0.1:1")),
		"a frame":        first(r.submit(path, token, "Origin", r.url, "Sec-Fetch-Site", "same-site")),
		"no token":       first(r.submit(path, "", "Origin", r.url)),
		"another token":  first(r.submit(path, token+"x", "Origin", r.url)),
		"another filter": first(r.submit("/rejects/replay?dest=other", token, "Origin", r.url)),
	} {
		if status != 403 {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status, _, _ := r.get("/rejects/replay"); status != 405 {
		t.Errorf("a link: %d", status)
	}
	if status, _, _ := r.post(path, token, "Origin", r.url); status != 415 {
		t.Errorf("JSON: %d", status)
	}
	if _, version, _ := r.get("/v1/status"); !strings.Contains(version, `"version":1`) {
		t.Errorf("something ran: %s", version)
	}
}

func first(status int, _, _ string) int { return status }

// Where there are tokens, one for admin is needed; a token of another doesn't do.
func TestReplayNeedsAdmin(t *testing.T) {
	var lines []string
	secrets := map[string]string{}
	for _, who := range []string{"reader", "boss"} {
		scopes := map[string][]string{"reader": {"query"}, "boss": {"query", "admin"}}[who]
		secret, line, err := serve.NewToken(who, scopes)
		if err != nil {
			t.Fatal(err)
		}
		secrets[who], lines = "Bearer "+secret, append(lines, line)
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "tokens"), strings.Join(lines, "\n"))
	tokens, err := serve.ReadTokens(filepath.Join(dir, "tokens"), "")
	if err != nil {
		t.Fatal(err)
	}
	r, _ := withPeople(t, func(o *serve.Options) { o.Tokens, o.AllowReplay = tokens, true })
	if _, body, _ := r.get("/rejects", "Authorization", secrets["reader"]); strings.Contains(body, "Send again") ||
		!strings.Contains(body, "FROM</i> people;") {
		t.Errorf("a reader sees: %s", body)
	}
	boss := []string{"Authorization", secrets["boss"]}
	_, text, _ := r.get("/rejects", boss...)
	m := button.FindStringSubmatch(text)
	if m == nil {
		t.Fatal("an admin has no button")
	}
	if status, _, _ := r.submit(html.UnescapeString(m[1]), "token="+m[2], "Origin", r.url, "Authorization", secrets["reader"]); status != 403 {
		t.Errorf("a reader with the page of another: %d", status)
	}
	if status, _, _ := r.submit(html.UnescapeString(m[1]), "token="+m[2], "Origin", r.url); status != 401 {
		t.Errorf("nobody with the page of another: %d", status)
	}
	mended := `{"sql": "CREATE OR REPLACE JOURNAL people KEYS (id) SEQUENCE BY id FROM f"}`
	if status, body, _ := r.post("/v1/exec", mended, boss...); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	_, _, to := r.press("/rejects?dest=people", boss...)
	if got := r.outcome(to, boss...); !strings.Contains(got, `<td><b>people</b></td><td class="r">1</td><td class="r">1</td>`) {
		t.Errorf("what came of it: %s", got)
	}
	if _, body, _ := r.get("/rejects?dest=people", boss...); !strings.Contains(body, "Nothing was rejected by that") {
		t.Errorf("it is still there: %s", body)
	}
}
