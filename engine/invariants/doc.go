// Package invariants says whether what must hold anyway is checked while the program runs: in a build with the tag invariants, which
// `make invariants` tests. Else Enabled is a constant false, and nothing of a check is compiled in:
//
//	if invariants.Enabled { … }
package invariants
