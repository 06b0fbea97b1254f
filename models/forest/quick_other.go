//go:build !amd64 || !cgo

package forest

func nativeKernels() []string { return nil }

func newNative(*tables, string) quick { return nil }
