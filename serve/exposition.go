package serve

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"time"
)

// exposition is an answer in Prometheus' text format. Its library would take a tenth of what every command does at its start.
type exposition struct{ strings.Builder }

// family begins the samples of a name. kind is counter, gauge or histogram.
func (e *exposition) family(name, kind, help string) {
	fmt.Fprintf(e, "# HELP %[1]s %[3]s\n# TYPE %[1]s %[2]s\n", name, kind, help)
}

// sample is a number; labels are names and values in turn.
func (e *exposition) sample(name string, v float64, labels ...string) {
	e.WriteString(name)
	before := "{"
	for i := 0; i < len(labels); i += 2 {
		e.WriteString(before + labels[i] + `="` + inLabel.Replace(labels[i+1]) + `"`)
		before = ","
	}
	if len(labels) > 0 {
		e.WriteByte('}')
	}
	e.WriteString(" " + inDigits(v) + "\n")
}

var inLabel = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func inDigits(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// only is a family of one number.
func (e *exposition) only(name, kind, help string, v float64) {
	e.family(name, kind, help)
	e.sample(name, v)
}

// bounds are those of a histogram's parts, in seconds.
var bounds = [...]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// histogram counts times.
type histogram struct {
	parts [len(bounds) + 1]int64 // up to each bound, and beyond
	sum   time.Duration
}

func (h *histogram) observe(d time.Duration) {
	h.parts[sort.SearchFloat64s(bounds[:], d.Seconds())]++
	h.sum += d
}

// histogram has a part count those of the parts below, too.
func (e *exposition) histogram(name string, h *histogram, labels ...string) {
	n := int64(0)
	for i, in := range h.parts {
		n += in
		le := "+Inf"
		if i < len(bounds) {
			le = inDigits(bounds[i])
		}
		e.sample(name+"_bucket", float64(n), append(labels[:len(labels):len(labels)], "le", le)...)
	}
	e.sample(name+"_sum", h.sum.Seconds(), labels...)
	e.sample(name+"_count", float64(n), labels...)
}

// process tells of the process, by the names that all of Prometheus' clients use. What the system doesn't say isn't told.
func (e *exposition) process(began time.Time) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	e.only("go_goroutines", "gauge", "Number of goroutines.", float64(runtime.NumGoroutine()))
	e.only("go_memstats_heap_alloc_bytes", "gauge", "Bytes of Go's heap in use; DuckDB's memory is not part of it.", float64(m.HeapAlloc))
	e.only("go_memstats_sys_bytes", "gauge", "Bytes that Go has of the system.", float64(m.Sys))
	e.only("process_start_time_seconds", "gauge", "When the process began to serve, in seconds since 1970.", float64(began.UnixMilli())/1000)
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		e.only("process_open_fds", "gauge", "Number of open file descriptors.", float64(len(open)))
	}
	text, _ := os.ReadFile("/proc/self/stat")
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name of the program: proc(5), from the third field on
	f := strings.Fields(rest)
	if len(f) < 22 {
		return
	}
	field := func(n int) float64 {
		v, _ := strconv.ParseFloat(f[n-3], 64) // they are numbers
		return v
	}
	const ticks = 100 // USER_HZ, whatever the kernel's own
	e.only("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", (field(14)+field(15))/ticks)
	e.only("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", field(24)*float64(os.Getpagesize()))
	e.only("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", field(23))
}
