package main

import (
	"io"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"dsql/sql"
)

// terminal says whether w is one, and its width in characters. COLUMNS overrules the width that the terminal tells.
func terminal(stream any) (width int, ok bool) {
	f, isFile := stream.(*os.File)
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

// width is how many columns of a terminal a text takes.
func width(s string) int { return sql.Width(s) }

// cut shortens a text to max columns; one that was longer ends with an ellipsis.
func cut(s string, max int) string {
	n, end := 0, 0 // end: where the text fits with an ellipsis behind it
	before := rune(0)
	for i, r := range s {
		more := sql.Cells(before, r)
		if n < max && more > 0 && before != 0x200D {
			end = i
		}
		if n += more; n > max {
			return s[:end] + "…"
		}
		before = r
	}
	return s
}
