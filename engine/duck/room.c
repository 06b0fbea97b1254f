// malloc, calloc and realloc stand before glibc's, for the whole process, and wrappers before those of DuckDB's own allocator (the linker's
// --wrap): a block of a megabyte or more is refused where there is no room.
#include <stdlib.h>
#include "room.h"

#ifdef __GLIBC__
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdatomic.h>

#define weak __attribute__((weak))

extern void *__real_duckdb_je_malloc(size_t) weak;
extern void *__real_duckdb_je_realloc(void *, size_t) weak;
extern size_t duckdb_je_malloc_usable_size(void *) weak;
extern int duckdb_je_mallctl(const char *, void *, size_t *, void *, size_t) weak;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static const size_t large = 1 << 20;
static atomic_long room = LONG_MAX, room_of_others = LONG_MAX;
static atomic_bool bounded;
static _Thread_local bool strange;

void dsql_allow_large(long n, long others) {
	atomic_store(&room, n);
	atomic_store(&room_of_others, others);
	atomic_store(&bounded, true);
}

void dsql_allow_all(void) { atomic_store(&bounded, false); }
void dsql_strange(bool yes) { strange = yes; }

void dsql_trim(void) {
	malloc_trim(0);
	if (duckdb_je_mallctl) {
		duckdb_je_mallctl("arena.4096.purge", NULL, NULL, NULL, 0); // 4096: all arenas
	}
}

// refused says that there is no room for a large block. What is had of it is counted for all.
static bool refused(size_t size) {
	if (!atomic_load_explicit(&bounded, memory_order_relaxed)) {
		return false;
	}
	atomic_long *own = strange ? &room : &room_of_others, *other = strange ? &room_of_others : &room;
	if (size <= LONG_MAX) {
		if (atomic_fetch_sub(own, (long)size) >= (long)size) { // in one step: others ask at the same time
			atomic_fetch_sub(other, (long)size);
			return false;
		}
		atomic_fetch_add(own, (long)size);
	}
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size) {
	return __builtin_expect(size >= large, 0) && refused(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t each) {
	size_t size;
	if (!__builtin_mul_overflow(n, each, &size) && __builtin_expect(size >= large, 0) && refused(size)) {
		return NULL;
	}
	return __libc_calloc(n, each);
}

void *realloc(void *old, size_t size) {
	if (__builtin_expect(size >= large, 0) && malloc_usable_size(old) < size && refused(size)) {
		return NULL;
	}
	return __libc_realloc(old, size);
}

void *__wrap_duckdb_je_malloc(size_t size) {
	return __builtin_expect(size >= large, 0) && refused(size) ? NULL : __real_duckdb_je_malloc(size);
}

void *__wrap_duckdb_je_realloc(void *old, size_t size) {
	if (__builtin_expect(size >= large, 0) && duckdb_je_malloc_usable_size(old) < size && refused(size)) {
		return NULL;
	}
	return __real_duckdb_je_realloc(old, size);
}
#else
void dsql_allow_large(long n, long others) {}
void dsql_allow_all(void) {}
void dsql_strange(bool yes) {}
void dsql_trim(void) {}
#endif
