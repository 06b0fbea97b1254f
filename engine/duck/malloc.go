package duck

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
// DuckDB allocates blocks of 256 KiB and frees them, over and over. glibc would give them back to the kernel each time and fault
// the same pages in again: 3 % of the time of landing a topic.
static void keep_memory(void) {
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
}
#else
static void keep_memory(void) {}
#endif
*/
import "C"

// KeepMemory has the allocator keep what DuckDB frees. It is for a program to decide, once and at its start: all of the process's memory is
// handled so from then on.
func KeepMemory() { C.keep_memory() }
