// The quantised scorer's tables and kernels; quick.go makes the tables and explains them.
#ifndef DSQL_FOREST_KERNEL_H
#define DSQL_FOREST_KERNEL_H
#include <stdint.h>

enum { TILE = 256 };                    // rows scored together
enum { MISSING = 0xffff };              // the rank of a missing value
enum { EXACT, LIGHTGBM, SINGLE };       // how values are prepared, as the Go type Values
enum { AVX512, AVX2, SSE2 };            // instruction sets

typedef struct {                        // thresholds of one feature
	uint32_t x;                     // its column among the values
	uint32_t from, n, steps;        // its thresholds: first, number, smallest power of two above
	uint32_t zero;                  // 0 is missing too
	uint32_t col, cols;             // the columns made from its ranks
	uint32_t wide;                  // its column for trees that are walked, from 1 on; 0: none is
} dsql_ranking;

typedef struct {                        // ranks from low on, cut to a byte
	uint16_t low;
	uint8_t missing;                // the byte of a missing value
} dsql_column;

typedef struct {                        // categories, or single values, of one feature
	uint32_t x;
	uint32_t from, n;               // direct: code of category c < n; else n values, ascending, with codes from 1 on
	uint32_t direct;
	uint32_t codes;                 // number of codes: 0 for unknown values, then known ones, the last for missing
	uint32_t trim;                  // categories: fractions are cut off
	uint32_t table, col, cols;      // a byte a column and code
	uint32_t wide;                  // the first of as many for trees that are walked
} dsql_coding;

typedef struct {                        // a node seen by eight leaves
	uint16_t col;
	int8_t than;                    // numbers: rows with a byte above it lose the leaves in mask; else rows with this bit
	uint8_t mask;
} dsql_entry;

typedef struct {
	uint32_t entry;                 // first entry
	uint32_t plane, planes;         // eight leaves each; 0: the tree is walked
	uint32_t node;                  // first node of a tree that is walked
	uint32_t value, leaves;         // its values: first, and distance from output to output
	uint32_t output, width;
} dsql_tree;

typedef struct {                        // numbers of entries in a plane: with numbers, with bits
	uint16_t numbers, bits;
} dsql_plane;

typedef struct {
	int kind;                       // EXACT, LIGHTGBM, SINGLE
	int isa;
	int ntrees, nrankings, ncodings, ncols, nwides;
	const dsql_tree *trees;
	const dsql_entry *entries;
	const dsql_plane *planes;
	const dsql_ranking *rankings;
	const dsql_column *columns;
	const dsql_coding *codings;
	const double *thresholds, *singles; // singles: values that a coding knows
	const uint16_t *codes;
	const uint8_t *tables;
	const uint64_t *nodes;          // of walked trees: see walk
	const uint32_t *leafof;         // its leaf, by node
	const double *values;
	const float *values32;          // instead, for SINGLE
} dsql_forest;

// The best instruction set of this machine.
int dsql_forest_isa(void);

// How many numbers of a row lie side by side for trees that are walked.
int dsql_forest_wide(const dsql_forest *f);

// Scores rows ≤ TILE: x holds their values, feature by feature, TILE apart; bins has room for TILE·ncols bytes, aligned to 64, across for
// TILE·dsql_forest_wide numbers; sums, of double or float, holds the start values, output by output, TILE apart.
void dsql_forest_tile(const dsql_forest *f, const double *x, int rows, uint8_t *bins, uint16_t *across, void *sums);

// For each test of n: the rows whose byte doesn't stop them, which go left; TILE bits a test.
void dsql_forest_bits(const dsql_entry *tests, int n, const uint8_t *bins, uint64_t *bits);

enum { LEAF, DOWN, UP, TWIG, LEAF_AGAIN, DOWN_AGAIN, UP_AGAIN }; // kinds of steps, as in contrib_tree.go

typedef struct {                        // see contrib.h
	uint8_t kind;
	uint8_t right;                  // the edge is the right one
	uint8_t first;                  // nothing stands in H before
	uint32_t level, node, slot;
	uint32_t above;                 // AGAIN: the level of the feature's edge before; TWIG: the node below
	uint32_t slot2;                 // TWIG: of the node below
	uint32_t at;                    // its constants
} dsql_step;

typedef struct {                        // a tree's
	int points, nsteps;
	const dsql_step *steps;
	const double *consts, *weights;
} dsql_program;

// Adds a tree's contributions for rows ≤ TILE: bits are of dsql_forest_bits, its nodes in the program's numbering; phi holds eight rows side
// by side, slot by slot; levels and states, aligned to 64, have room for the tree's depth.
void dsql_forest_contrib(int isa, const dsql_program *p, const uint64_t *bits, int rows, int slots, double *phi, double *levels,
			 uint8_t *states);

// What each instruction set has of its own: ranks of values, and the leaf of a tree for each row.
typedef struct {
	void (*rank)(const dsql_forest *, const dsql_ranking *, const double *x, int rows, uint16_t *ranks);
	void (*leaves)(const dsql_forest *, const dsql_tree *, const uint8_t *bins, int rows, uint8_t *leaf);
	void (*add)(const double *values, const uint8_t *leaf, int rows, int leaves, double *sums);
	void (*add32)(const float *values, const uint8_t *leaf, int rows, int leaves, float *sums);
	void (*contrib)(const dsql_program *, const uint64_t *bits, int rows, int slots, double *phi, double *levels, uint8_t *states);
} dsql_kernel;
extern const dsql_kernel dsql_avx512, dsql_avx2, dsql_sse2;

#define TINY 1.0000000180025095e-35
#endif
