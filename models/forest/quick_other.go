//go:build !amd64 || !cgo

package forest

func nativeKernels() []string { return nil }

func newNative(*tables, string) quick { return nil }

func newBinner(*tables, string) binner { return nil }

func runNative(string, *program, []uint64, int, int, *contribRoom) bool { return false }
