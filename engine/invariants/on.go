//go:build invariants

package invariants

// Enabled: checks are compiled in.
const Enabled = true
