//go:build !linux

package serve

// behindOthers: threads have no priority of their own here.
func behindOthers() {}
