package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"

	"dsql/demo"
)

// What init --deploy writes is taken by those whom it is for, as far as they are here: YAML parses, command lines are dsql's own, the unit
// is systemd's, metrics of rules are in /metrics.
func TestDeploy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := asCommand(t, dir, "init", "--deploy", "deploy")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	of := func(name string) string { return read(t, filepath.Join(dir, "deploy", name)) }
	unit := of("dsql.service")
	serves(t, strings.Fields(regexp.MustCompile(`(?m)^ExecStart=\S+ (.*)$`).FindStringSubmatch(unit)[1]))
	if analyze, err := exec.LookPath("systemd-analyze"); err == nil {
		here := filepath.Join(dir, "dsql.service")
		put(t, here, strings.ReplaceAll(unit, "/usr/local/bin/dsql", "/bin/true"))
		if out, err := exec.Command(analyze, "verify", here).CombinedOutput(); err != nil || strings.Contains(string(out), "nknown") {
			t.Errorf("systemd-analyze: %v\n%s", err, out)
		}
	}
	var entry []string
	if err := json.Unmarshal([]byte(regexp.MustCompile(`(?m)^ENTRYPOINT (.*)$`).FindStringSubmatch(of("Containerfile"))[1]), &entry); err != nil {
		t.Fatal(err)
	}
	serves(t, entry[1:])

	documents := parse(t, of("kubernetes.yaml"))
	if len(documents) != 2 {
		t.Fatalf("%d documents", len(documents))
	}
	pod := at(t, documents[1], "spec", "template", "spec")
	container := at(t, pod, "containers", 0)
	var args []string
	for _, a := range list(t, at(t, container, "args")) {
		args = append(args, text(t, a))
	}
	serves(t, args)
	_, names := serveForMetrics(t)
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		if path := text(t, at(t, container, probe, "httpGet", "path")); !slices.Contains([]string{"/healthz", "/readyz"}, path) {
			t.Errorf("%s asks %s", probe, path)
		}
	}
	if at(t, container, "securityContext", "readOnlyRootFilesystem") != true || at(t, pod, "securityContext", "runAsNonRoot") != true {
		t.Error("the container may write everywhere, or is root")
	}
	parse(t, of("prometheus.yaml"))
	rules := list(t, at(t, parse(t, of("alerts.yaml"))[0], "groups", 0, "rules"))
	used := regexp.MustCompile(`\b(?:dsql|process|go)_\w+`)
	for _, r := range rules {
		for _, name := range used.FindAllString(text(t, at(t, r, "expr")), -1) {
			if !names[name] {
				t.Errorf("the alert %v is on %s, which isn't in /metrics", at(t, r, "alert"), name)
			}
		}
	}
	if len(rules) < 8 {
		t.Errorf("%d rules", len(rules))
	}
	if got, err := demo.Write(demo.Deploy(), filepath.Join(dir, "deploy")); err != nil || len(got) != 5 {
		t.Errorf("written again: %v %v", got, err)
	}
}

// serves checks a command line.
func serves(t *testing.T, args []string) {
	t.Helper()
	p, err := newParser(&cli{}, "", io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Parse(toFile(args)); err != nil || args[0] != "serve" {
		t.Errorf("%v: %v", args, err)
	}
}

// serveForMetrics gives the names in /metrics of a server that was asked something.
func serveForMetrics(t *testing.T) (url string, names map[string]bool) {
	t.Helper()
	url, _ = serveCommand(t, quackFolder(t), quackScript)
	get(t, url+"/v1/status")
	res, err := http.Get(url + "/v1/nothing")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	names = map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)(?:\{| )`).FindAllStringSubmatch(get(t, url+"/metrics"), -1) {
		names[m[1]] = true
	}
	return url, names
}

func parse(t *testing.T, all string) (out []any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(all))
	for {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
}

// at follows keys and numbers.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case int:
			v = list(t, v)[p]
		default:
			m, ok := v.(map[any]any)
			if !ok || m[p] == nil {
				t.Fatalf("there is no %v of %v", p, path)
			}
			v = m[p]
		}
	}
	return v
}

func list(t *testing.T, v any) []any {
	t.Helper()
	l, ok := v.([]any)
	if !ok {
		t.Fatalf("%v is no list", v)
	}
	return l
}

func text(t *testing.T, v any) string {
	t.Helper()
	s, ok := v.(string)
	if !ok {
		t.Fatalf("%v is no text", v)
	}
	return s
}
