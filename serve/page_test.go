package serve_test

import (
	"bufio"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dsql/serve"
)

const watched = `CREATE SOURCE f (id BIGINT, name VARCHAR) FROM FILES ('in/*.csv', format csv, header true);
	CREATE JOURNAL people KEYS (id) SEQUENCE BY id RULES (CONSTRAINT named EXPECT (name IS NOT NULL) ON VIOLATION REJECT)
	METRICS (n = count(*)) CHECKS (CHECK some EXPECT (n > 1) ON FAILURE WARN) FROM f;
	CREATE STREAM "<b>"">" AS SELECT id, name AS "<i>" FROM f;
	REFRESH`

// withPeople serves a file with a check that warns, rejects, and texts that would be markup.
func withPeople(t *testing.T, change ...func(*serve.Options)) (*running, string) {
	t.Helper()
	dir := t.TempDir()
	mkdir(t, filepath.Join(dir, "in"))
	put(t, filepath.Join(dir, "in", "1.csv"), "id,name\n1,<script>alert(1)</script>\n2,\nx,y\n")
	return start(t, dir, watched, change...).ready(), dir
}

// Each view is there, under a policy that lets nothing else in.
func TestPages(t *testing.T) {
	t.Parallel()
	r, _ := withPeople(t)
	for path, want := range map[string]string{
		"/":                                    "<h1>1 thing needs a look</h1>",
		"/?o=people&c=id":                      "what <b>people.id</b> is made of",
		"/o/people":                            "A key's life",
		"/o/people?v=1":                        "What v1 changed",
		"/o/people?v=99":                       "There is no such version yet",
		"/o/PEOPLE":                            "<h1>people</h1>",
		"/o/people?m=nothing":                  "0 of 1",
		"/o/" + url.PathEscape(`<b>">`):        "&lt;b&gt;",
		"/k/people?key=1":                      "What was true, and when",
		"/k/people?key=7":                      "never had this key",
		"/k/people?key=many":                   "never had this key",
		"/k/people":                            "can't be shown",
		"/rejects":                             "<h1>2 rejected",
		"/rejects?code=constraint&dest=people": "send these 1 through",
		"/rejects?q=nowhere":                   "Nothing was rejected by that",
		"/sql":                                 "one SELECT",
		"/sql?q=SELECT+name+FROM+people":       "&lt;script&gt;alert(1)",
		"/sql?q=SELECT+nam+FROM+people":        "did you mean name?",
		"/sql?q=FROM+read_csv('/etc/passwd')":  "class=\"err\"",
		"/sql?q=" + url.QueryEscape("DROP TABLE people__now"): "class=\"err\"",
	} {
		status, body, header := r.get(path)
		if status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d, without %s:\n%s", path, status, want, body[max(0, strings.Index(body, "<main")):])
		}
		if strings.Contains(body, "<script>alert") {
			t.Errorf("%s: a value is markup", path)
		}
		if p := header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
			t.Errorf("%s: policy %q", path, p)
		}
	}
	for path, want := range map[string]string{"/rejects?q=%ff": "no text", "/sql?q=SELECT+1;SELECT+2": "can't be read"} {
		if status, body, _ := r.get(path); status != 400 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for _, path := range []string{"/o/nothing", "/k/nothing?key=1", "/m/nothing"} {
		if status, body, _ := r.get(path); status != 404 || !strings.Contains(body, "Nothing is here") {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, body, header := r.get("/sql.csv?q=SELECT+id+FROM+people"); status != 200 || body != "id\n1\n" ||
		!strings.Contains(header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%d %q", status, body)
	}
	if status, body, header := r.get("/sql.parquet?q=" + url.QueryEscape("SELECT id, name FROM people; -- all")); status != 200 ||
		!strings.HasPrefix(body, "PAR1") || !strings.HasSuffix(body, "PAR1") ||
		!strings.Contains(header.Get("Content-Disposition"), "result.parquet") {
		t.Errorf("Parquet: %d %.200q", status, body)
	}
	if status, body, header := r.get("/sql.arrow?q=SELECT+id+FROM+people"); status != 200 || len(body) < 100 ||
		header.Get("Content-Type") != "application/vnd.apache.arrow.stream" {
		t.Errorf("Arrow: %d %.200q", status, body)
	}
	for _, q := range []string{"FROM read_csv('/etc/passwd')", "DROP TABLE people__now", "EXPLAIN SELECT 1", "SELECT 1) TO '/tmp/x' --", "",
		"SELECT nam FROM people"} {
		for _, ending := range []string{"parquet", "arrow"} {
			status, body, _ := r.get("/sql." + ending + "?q=" + url.QueryEscape(q))
			if right := ending == "arrow" && strings.HasPrefix(q, "EXPLAIN"); (status == 200) != right {
				t.Errorf("%s of %s: %d %s", ending, q, status, body)
			}
		}
	}
	if status, _, _ := r.get("/sql?q=" + strings.Repeat("x", 70_000)); status != 414 && status != 431 {
		t.Errorf("an address without an end: %d", status)
	}
}

// Who needs a token gives it as a password; without one nothing is told.
func TestPagesNeedTokens(t *testing.T) {
	t.Parallel()
	_, line, err := serve.NewToken("x", []string{"query"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "tokens"), line+"\n")
	tokens, err := serve.ReadTokens(filepath.Join(dir, "tokens"), "secret")
	if err != nil {
		t.Fatal(err)
	}
	r, _ := withPeople(t, func(o *serve.Options) { o.Tokens = tokens })
	for _, path := range []string{"/", "/o/people", "/rejects", "/sql", "/sql.csv?q=SELECT+1", "/events"} {
		status, body, header := r.get(path)
		if status != 401 || strings.Contains(body, "people") || !strings.HasPrefix(header.Get("WWW-Authenticate"), "Basic") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	req, err := http.NewRequest(http.MethodGet, r.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("me", "secret")
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%v %v", res, err)
	}
	res.Body.Close()
	if status, _, _ := r.get("/assets/page.css"); status != 200 {
		t.Errorf("the style: %d", status)
	}
}

// A link from elsewhere may be followed, and nothing else comes from another site.
func TestLinksAreFollowed(t *testing.T) {
	t.Parallel()
	r, _ := withPeople(t)
	went := []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	if status, _, _ := r.get("/o/people", went...); status != 200 {
		t.Errorf("a link: %d", status)
	}
	for _, header := range [][]string{went[:2], {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}} {
		if status, _, _ := r.get("/o/people", header...); status != 403 {
			t.Errorf("%v: %d", header, status)
		}
	}
}

var hashed = regexp.MustCompile(`<section id="([^"]*)"[^>]* data-h="([^"]*)">`)

// A version is told of; who asks then gets the sections that have changed, and no others.
func TestPagesStayTrue(t *testing.T) {
	t.Parallel()
	r, dir := withPeople(t, func(o *serve.Options) { o.Follow = true })
	_, body, _ := r.get("/rejects")
	var have []string
	for _, m := range hashed.FindAllStringSubmatch(body, -1) {
		have = append(have, m[1]+":"+m[2])
	}
	if len(have) < 4 {
		t.Fatalf("sections: %v", have)
	}
	if status, again, _ := r.get("/rejects", "X-Have", strings.Join(have, " ")); status != 200 || strings.Contains(again, `id="rows"`) {
		t.Errorf("nothing has changed: %d %s", status, again)
	}
	res, err := http.Get(r.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	told := bufio.NewScanner(res.Body)
	if !told.Scan() || told.Text() != "retry: 2000" {
		t.Fatalf("events begin with %q", told.Text())
	}
	put(t, filepath.Join(dir, "in", "2.csv"), "id,name\n3,c\nz,z\n")
	for told.Scan() && told.Text() != "event: version" {
	}
	for range 200 { // the event is of the first commit, a run has several
		_, body, _ = r.get("/rejects", "X-Have", strings.Join(have, " "))
		if strings.Contains(body, `id="rows"`) {
			break
		}
		told.Scan()
	}
	if !strings.Contains(body, "<pre tabindex") || strings.Contains(body, "<main") {
		t.Errorf("what comes of a new version: %s", body)
	}
}

// Addresses are the user's names, whatever they are.
func TestPagesOfOddKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mkdir(t, filepath.Join(dir, "in"))
	put(t, filepath.Join(dir, "in", "1.csv"), "a,b,t\n\"x/y?&=\u202e\",'; DROP,1\n")
	r := start(t, dir, `CREATE SOURCE f (a VARCHAR, b VARCHAR, t BIGINT) FROM FILES ('in/*.csv', format csv, header true);
		CREATE JOURNAL "odd/name" KEYS (a, b) SEQUENCE BY t FROM f; REFRESH`).ready()
	_, body, _ := r.get("/o/odd%2Fname")
	m := regexp.MustCompile(`href="(/k/[^"]*)"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no key has a link: %s", body)
	}
	address := html.UnescapeString(m[1])
	if status, life, _ := r.get(address); status != 200 || !strings.Contains(life, "first known") {
		t.Errorf("%s: %d", address, status)
	}
}

func mkdir(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

// What may stand at the cursor is offered: names of the file, and none of the machine's files.
func TestCompletion(t *testing.T) {
	t.Parallel()
	r, dir := withPeople(t)
	for text, want := range map[string]string{
		"FROM peo":                      `{"from":5,"names":["people"`,
		"SELECT na":                     `"snapshot_of"`,
		"SELECT 'ä😀' AS x, na":          `{"from":19,`,
		"SEL":                           `"SELECT`,
		"FROM '" + dir + "/in/":         `{"from":0,"names":[]}`,
		"FROM read_csv('" + dir[:4]:     `{"from":0,"names":[]}`,
		"SELECT 1 -- peo":               `{"from":0,"names":[]}`,
		"SELECT 1 /* peo":               `{"from":0,"names":[]}`,
		"":                              `"from":0`,
		strings.Repeat("SELECT ", 9000): `{"from":0,"names":[]}`,
	} {
		status, body, _ := r.get("/sql/complete?q=" + url.QueryEscape(text))
		if status != 200 && len(text) < 1000 || status == 200 && !strings.Contains(body, want) || strings.Contains(body, "1.csv") {
			t.Errorf("%.80q: %d %s, without %s", text, status, body, want)
		}
	}
}
