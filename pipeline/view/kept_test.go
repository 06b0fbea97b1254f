package view

import (
	"errors"
	"testing"
	"time"

	"dsql/page"
)

// TestKept: what took long is asked again when it is old enough, at once where it is declared otherwise, and who took it as it was is told
// when to come back.
func TestKept(t *testing.T) {
	t.Parallel()
	asked := 0
	ask := func() ([]page.Finding, error) {
		asked++
		return []page.Finding{{Value: "found"}}, nil
	}
	k, now := &Kept{}, time.Now()
	get := func(text string, at time.Time) {
		t.Helper()
		found, err := k.split("x", text, at, ask)
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
	}
	get("a", now)
	if due := k.Due(now); due != 0 {
		t.Errorf("what was just asked is due at %d", due)
	}
	s := k.splits["x"]
	s.took = time.Second
	k.splits["x"] = s
	get("a", now.Add(19*time.Second))
	if want := now.Add(20 * time.Second).UnixNano(); asked != 1 || k.Due(now.Add(19*time.Second)) != want {
		t.Errorf("asked %d times", asked)
	}
	if due := k.Due(now.Add(19 * time.Second)); due != 0 {
		t.Errorf("told again, for %d", due)
	}
	get("b", now.Add(19*time.Second))
	get("b", now.Add(time.Hour))
	if asked != 3 {
		t.Errorf("asked %d times, want 3", asked)
	}
	_, err := k.split("y", "", now, func() ([]page.Finding, error) { return nil, errors.New("broken off") })
	if _, there := k.splits["y"]; err == nil || there {
		t.Error("what failed is kept")
	}
	var none *Kept
	if _, err := none.split("x", "b", now, ask); err != nil || asked != 4 {
		t.Errorf("%v, asked %d times", err, asked)
	}
}
