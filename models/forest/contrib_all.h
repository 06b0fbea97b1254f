// The steps for every number of quadrature points that trees are compiled for (see contrib.h), and the choice among them.
#define POINTS 1
#include "contrib.h"
#define POINTS 2
#include "contrib.h"
#define POINTS 3
#include "contrib.h"
#define POINTS 4
#include "contrib.h"
#define POINTS 5
#include "contrib.h"
#define POINTS 6
#include "contrib.h"
#define POINTS 7
#include "contrib.h"
#define POINTS 8
#include "contrib.h"
#define POINTS 10
#include "contrib.h"
#define POINTS 12
#include "contrib.h"
#define POINTS 16
#include "contrib.h"
#define POINTS 32
#include "contrib.h"

// contrib goes through a tree for rows of a tile; phi has eight rows side by side, slot by slot.
static TARGET void contrib(const dsql_program *p, const uint64_t *bits, int rows, int slots, double *phi, double *levels, uint8_t *states)
{
	static void (*const by[])(const dsql_step *, const dsql_step *, const double *, const uint64_t *, int, double *, double *, uint8_t *,
				  const double *) = {
		[1] = steps1, [2] = steps2, [3] = steps3, [4] = steps4, [5] = steps5, [6] = steps6, [7] = steps7, [8] = steps8,
		[10] = steps10, [12] = steps12, [16] = steps16, [32] = steps32};
	for (int r = 0; r < rows; r += LANES)
		by[p->points](p->steps, p->steps + p->nsteps, p->consts, bits, r, phi + (size_t)(r / 8) * slots * 8 + r % 8, levels, states, p->weights);
}
