//go:build !extension

package file

var packed []byte
