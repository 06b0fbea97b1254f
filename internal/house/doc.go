// Package house has tests of how the project's code is written: rules that no linter knows, or that would cost one for a line of Go. What
// packages may import is held by cmd/dsql/layers_test.go.
package house
