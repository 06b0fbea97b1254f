package main

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// terminalWidth is the width of stdout's terminal in characters; 0 when it isn't known. COLUMNS overrules it.
func terminalWidth() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	var size struct{ rows, cols, x, y uint16 }
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, os.Stdout.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size))); e != 0 {
		return 0
	}
	return int(size.cols)
}
