package serve_test

import (
	"bytes"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\s(?:href|action)="(/[^"]*)"`)
	tag      = regexp.MustCompile(`<[A-Za-z/!](?:[^<>"]|"[^"]*")*>`)
	texts    = regexp.MustCompile(`(?s)"[^"]*"|<textarea.*?</textarea>`)
	hears    = regexp.MustCompile(`(?i)\s(on\w+|style|srcdoc)\s*=`)
	scripted = regexp.MustCompile(`(?i)(?:href|action|src)="\s*(?:javascript|data:text|vbscript)`)
)

// Every page that a link of a page leads to is there, whatever names, values, tags and payloads are, and nothing in it runs or turns what
// stands around it. One payload has ten megabytes, and no page much more than a hundred kilobytes.
func TestPagesOfHostileContent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mkdir(t, filepath.Join(dir, "in"))
	script := fileOf(t, "../page/test/hostile.sql")
	rows := append(fileOf(t, "../page/test/hostile.jsonl"), "\xff\xfe<script>hacked=1</script>\x1b[2J\n{\"id\": \""...)
	rows = append(append(rows, bytes.Repeat([]byte{'<'}, 10_000_000)...), "\"}\n"...)
	put(t, filepath.Join(dir, "in", "1.jsonl"), string(rows))
	put(t, filepath.Join(dir, "m.txt"), string(fileOf(t, "../testdata/models/lgb_frame/model.txt")))
	r := start(t, dir, string(script)).ready()

	seen, todo := map[string]bool{}, []string{"/", "/rejects", "/sql?q=" + url.QueryEscape(`FROM "<script>hacked=1</script>"`),
		"/sql?q=" + url.QueryEscape(`FROM dsql.rejects`), "/sql?q=" + url.QueryEscape(`SELECT * FROM dsql.models`),
		"/rejects?q=%3Cscript%3E%1B&sent=%3Cscript%3E",
		"/?o=%3Cscript%3E&c=%E2%80%AE", "/o/%3Cscript%3E", "/k/%00?key=%FF&seen=-1&col=%22"}
	for len(todo) > 0 && len(seen) < 150 {
		at := todo[0]
		todo = todo[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		status, body, header := r.get(at)
		if !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
			continue // a file, an asset
		}
		if status != 200 && !(status == 404 && (strings.HasPrefix(at, "/o/%3Cscript%3E") || strings.HasPrefix(at, "/k/%00"))) {
			t.Errorf("%s: %d %.300s", at, status, body)
		}
		harmless(t, at, body)
		for _, m := range link.FindAllStringSubmatch(body, -1) {
			if to := html.UnescapeString(m[1]); !seen[to] {
				todo = append(todo, to)
			}
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d pages", len(seen))
	}
}

func harmless(t *testing.T, at, body string) {
	t.Helper()
	if len(body) > 1<<20 {
		t.Errorf("%s has %d bytes", at, len(body))
	}
	for _, one := range tag.FindAllString(body, -1) {
		if hears.MatchString(texts.ReplaceAllString(one, `""`)) || scripted.MatchString(one) ||
			strings.HasPrefix(strings.ToLower(one), "<script") && !strings.HasPrefix(one, `<script src="/assets/page.js"`) {
			t.Errorf("%s has %s", at, one)
		}
	}
	shown := texts.ReplaceAllString(body, "")
	for _, c := range []string{"\x1b", "\x00", "\x07", "\u202e", "\u2066", "\u200b", "\xff"} {
		if strings.Contains(shown, c) {
			t.Errorf("%s hands %q on", at, c)
		}
	}
}

func fileOf(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
