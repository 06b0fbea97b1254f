//go:build race

package testkit

// Race: the race detector is on. What is many times the same then runs fewer times.
const Race = true
