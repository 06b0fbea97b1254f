//go:build !invariants

package duck

// See checked_on.go. Whoever calls these asks invariants.Enabled before.

//lint:ignore U1000 the tag invariants fills it
type checked struct{}

func (*Vector) knows(*Node, int)  {}
func (*Vector) mustHave(int)      {}
func (*Vector) mustTake(int, any) {}
func (*Vector) mustSpan(_, _ int) {}
func (*Tx) end()                  {}
