package main

import (
	"io"
	"os"
	"strconv"
	"syscall"
	"unicode"
	"unsafe"
)

// terminal says whether w is one, and its width in characters. COLUMNS overrules the width that the terminal tells.
func terminal(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile {
		return 0, false
	}
	var size struct{ rows, cols, x, y uint16 }
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size))); e != 0 {
		return 0, false
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n, true
	}
	if size.cols == 0 {
		return 80, true
	}
	return int(size.cols), true
}

// coloured says whether w takes colours: --color, then NO_COLOR (https://no-color.org), then whether it is a terminal.
func (s *streams) coloured(w io.Writer) bool {
	switch s.cli.Color {
	case "always":
		return true
	case "never":
		return false
	}
	_, tty := terminal(w)
	return tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// cells is how many columns of a terminal a rune takes.
func cells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me) || r >= 0x200b && r <= 0x200f:
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff,
		r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// width is how many columns of a terminal a text takes.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += cells(r)
	}
	return n
}

// cut shortens a text to max columns; one that was longer ends with an ellipsis.
func cut(s string, max int) string {
	n, end := 0, 0 // end: where the text fits with an ellipsis behind it
	for i, r := range s {
		if n < max {
			end = i
		}
		if n += cells(r); n > max {
			return s[:end] + "…"
		}
	}
	return s
}
