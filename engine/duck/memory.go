package duck

import (
	"context"
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
)

// #cgo linux LDFLAGS: -Wl,--wrap=duckdb_je_malloc -Wl,--wrap=duckdb_je_realloc
// #include <stdbool.h>
// #include "room.h"
import "C"

// Memory is what DuckDB has of it, and of temporary files, in bytes.
type Memory struct {
	Limit, TempLimit int64 // 0: there is none
	Used             int64 // pages of the file too, which make room for others
	Pinned           int64 // of that what can't be moved to temporary files: lists, texts, states of aggregates
	Temp             int64
}

// Memory asks for it.
func (c *Conn) Memory(ctx context.Context) (m Memory, err error) {
	_, err = c.Scan(ctx, SQL(`SELECT coalesce(TRY(parse_formatted_bytes(current_setting('memory_limit'))), 0)::BIGINT,
		coalesce(TRY(parse_formatted_bytes(current_setting('max_temp_directory_size'))), 0)::BIGINT, sum(memory_usage_bytes)::BIGINT,
		sum(memory_usage_bytes) FILTER (tag IN ('ALLOCATOR', 'TRANSACTION'))::BIGINT, sum(temporary_storage_bytes)::BIGINT FROM duckdb_memory()`),
		&m.Limit, &m.TempLimit, &m.Used, &m.Pinned, &m.Temp)
	return m, err
}

// Limit bounds both for all connections; 0 leaves it as it is.
func (c *Conn) Limit(ctx context.Context, memory, temp int64) error {
	for _, s := range []struct {
		name  string
		bytes int64
	}{{"memory_limit", memory}, {"max_temp_directory_size", temp}} {
		if s.bytes > 0 {
			if err := c.Run(ctx, SQL("SET GLOBAL {name} = {v}", Args{"name": Ident(s.name), "v": strconv.FormatInt(s.bytes, 10) + "B"})); err != nil {
				return err
			}
		}
	}
	return nil
}

// BytesIn is a size as DuckDB writes it: '512MB', '1GiB'.
func BytesIn(text string) (int64, bool) {
	t := strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	i := strings.IndexFunc(t, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if i < 0 {
		return 0, false
	}
	n, err := strconv.ParseFloat(t[:i], 64)
	unit, ok := map[string]float64{"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30,
		"TIB": 1 << 40}[t[i:]]
	return int64(n * unit), ok && err == nil && n*unit < 1<<60
}

// Resident is how much of the machine's memory the process has without what Go holds; 0: it isn't known here.
func Resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(text))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(f[1], 10, 64) // the kernel's own
	of := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(of)
	return max(pages*int64(os.Getpagesize())-int64(of[0].Value.Uint64()-of[1].Value.Uint64()), 0)
}

// DuckDB's memory_limit counts what its operators keep, not what a function makes of one vector: repeat('x', 1e9) over two thousand rows is
// over before anything can be interrupted. So large blocks are taken only as far as there is room, where a program says how much. DuckDB
// takes a block that it didn't get for memory that ran out, and only the statement fails.

// AllowLarge lets blocks of a megabyte and more be taken until they are so many bytes together: by threads that are Strange up to room, by
// others up to others. It holds until it is said anew; AllowAll ends it. Without glibc it does nothing.
func AllowLarge(room, others int64) { C.dsql_allow_large(C.long(max(room, 0)), C.long(max(others, 0))) }

// AllowAll lets any blocks be taken.
func AllowAll() { C.dsql_allow_all() }

// Strange says whom the thread at hand works for; it is locked to its goroutine.
func Strange(yes bool) { C.dsql_strange(C.bool(yes)) }

// TrimMemory gives back what is free. It takes a while.
func TrimMemory() { C.dsql_trim() }
