package view

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/page"
)

// TestVerdicts: they come in any order; two that differ in one version are asked for anew.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	got, twice := verdicts("12p;3w;100h;4f;5u;6r;3w")
	want := []page.Verdict{{Version: 3, Verdict: "warn"}, {Version: 4, Verdict: "fail"}, {Version: 5, Verdict: "unknown"},
		{Version: 6, Verdict: "released"}, {Version: 12, Verdict: "pass"}, {Version: 100, Verdict: "held"}}
	if d := cmp.Diff(want, got); d != "" || twice {
		t.Errorf("%v: -want +got\n%s", twice, d)
	}
	if _, twice := verdicts("1p;2p;2w"); !twice {
		t.Error("two that differ are taken for one")
	}
	if got, _ := verdicts(""); len(got) > 0 {
		t.Errorf("of none: %v", got)
	}
}
