//go:build !race

package testkit

// Race: the race detector is on.
const Race = false
