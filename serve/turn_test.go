package serve

import (
	"errors"
	"testing"
)

// While an index is made one request reads the table, others wait, without a connection, for their turn or the index, and then none waits again.
func TestTurns(t *testing.T) {
	t.Parallel()
	made := make(chan struct{})
	ix := &index{made: made, scan: make(chan struct{}, 1)}
	of := []*lookup{{index: ix}}
	var first, second, third turn
	if err := errors.Join(first.begin(of), first.begin(of)); err != nil || first.over == nil {
		t.Fatal("the first has no turn", err)
	}
	for _, x := range []*turn{&second, &third} {
		if err := x.begin(of); !errors.Is(err, errTurn) {
			t.Fatal("two have a turn at a time", err)
		}
	}
	first.end()
	second.wait(t.Context())
	if second.over == nil || second.begin(of) != nil {
		t.Fatal("the second didn't get the turn of the first")
	}
	close(made)
	third.wait(t.Context())
	if third.over != nil || third.begin(of) != nil {
		t.Fatal("the third didn't wait for the index, or waits again")
	}
	second.end()
	third.end()
	if ix.made = nil; len(ix.scan) != 0 {
		t.Fatal("a turn was never given back")
	}
	if last := new(turn); last.begin(of) != nil || last.over != nil {
		t.Fatal("a turn where nothing is made")
	}
}
