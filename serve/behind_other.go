//go:build !linux

package serve

// thread and putBehind: threads have no priority of their own here.
func thread() int { return 0 }

func putBehind(int) {}

func freeOn(string) int64 { return 0 }
