// The steps of a tree for the rows of one vector of doubles: whoever includes this has defined LANES, MASK, VD,
// MASKOF (of the lanes' bits), PICK (where the mask is set the first of two vectors, else the second), SET, LOADD, STORED, ADDD, MULD
// and FMA; and POINTS, the number of quadrature points. What the numbers mean stands in contrib.go.
//
// A level of the way down has POINTS vectors G, what the path gives, and as many H, the sum over the leaves below.

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define NAMED(f) JOIN(f, POINTS)

static TARGET void NAMED(steps)(const dsql_step *s, const dsql_step *end, const double *consts, const uint64_t *bits, int row, double *phi,
				double *levels, uint8_t *states, const double *weights)
{
	enum { LEVEL = 2 * POINTS * LANES };
	const uint8_t lanes = (uint8_t)((1u << LANES) - 1);
	const double *off = weights + POINTS; // the edge's factor of phi where the row doesn't follow it
	for (int q = 0; q < POINTS; q++)
		STORED(levels + q * LANES, SET(weights[q]));
	for (; s < end; s++) {
		const uint8_t went = (uint8_t)(bits[s->node * (TILE / 64) + row / 64] >> row % 64) & lanes;
		const uint8_t hot = s->right ? (uint8_t)(went ^ lanes) : went;
		const double *c = consts + s->at, *G = levels + (size_t)s->level * LEVEL;
		double *H = levels + (size_t)s->level * LEVEL + POINTS * LANES;
		double *p = phi + (size_t)s->slot * 8;
		const MASK m = MASKOF(hot);
		VD acc, x;
		switch (s->kind) {
		case LEAF: // or, left and right, two of them: what P gives to phi, and factors of H
			acc = LOADD(G);
#pragma GCC unroll 32
			for (int q = 1; q < POINTS; q++)
				acc = ADDD(acc, LOADD(G + q * LANES));
			STORED(p, FMA(acc, PICK(m, SET(c[0]), SET(c[1])), LOADD(p)));
			c += 2;
#pragma GCC unroll 32
			for (int q = 0; q < POINTS; q++) {
				const VD f = PICK(m, SET(c[q]), SET(c[POINTS + q])), g = LOADD(G + q * LANES);
				STORED(H + q * LANES, s->first ? MULD(g, f) : FMA(g, f, LOADD(H + q * LANES)));
			}
			break;
		case DOWN:
			states[s->level + 1] = hot;
#pragma GCC unroll 32
			for (int q = 0; q < POINTS; q++)
				STORED(levels + (size_t)(s->level + 1) * LEVEL + q * LANES, MULD(LOADD(G + q * LANES), PICK(m, SET(c[q]), SET(c[POINTS + q]))));
			break;
		case UP: {
			const double *h = H + LEVEL;
			acc = LOADD(p);
#pragma GCC unroll 32
			for (int q = 0; q < POINTS; q++) {
				x = LOADD(h + q * LANES);
				acc = FMA(x, PICK(m, SET(c[q]), SET(off[q])), acc);
				STORED(H + q * LANES, s->first ? x : ADDD(x, LOADD(H + q * LANES)));
			}
			STORED(p, acc);
			break;
		}
		case TWIG: { // DOWN, two leaves and UP in one: the edge's factors, what P gives, factors of H, the edge's of phi
			const uint8_t below = (uint8_t)(bits[s->above * (TILE / 64) + row / 64] >> row % 64) & lanes;
			const MASK b = MASKOF(below);
			const double *f = c + 2 * POINTS + 2, *k = f + 2 * POINTS;
			double *pair = phi + (size_t)s->slot2 * 8;
			VD sum = SET(0);
			acc = SET(0);
#pragma GCC unroll 32
			for (int q = 0; q < POINTS; q++) {
				const VD g = MULD(LOADD(G + q * LANES), PICK(m, SET(c[q]), SET(c[POINTS + q])));
				sum = ADDD(sum, g);
				x = MULD(g, PICK(b, SET(f[q]), SET(f[POINTS + q])));
				acc = FMA(x, PICK(m, SET(k[q]), SET(off[q])), acc);
				STORED(H + q * LANES, s->first ? x : ADDD(x, LOADD(H + q * LANES)));
			}
			c += 2 * POINTS;
			STORED(p, ADDD(LOADD(p), acc));
			STORED(pair, FMA(sum, PICK(b, SET(c[0]), SET(c[1])), LOADD(pair)));
			break;
		}
		default: { // the feature stands on the path already: followed to here, turned off here, or above
			const uint8_t up = states[s->above];
			const MASK now = MASKOF(up & hot), was = MASKOF(up);
#define STATE(c) PICK(now, SET((c)[q]), PICK(was, SET((c)[POINTS + q]), SET((c)[2 * POINTS + q])))
			switch (s->kind) {
			case LEAF_AGAIN:
				acc = LOADD(p);
#pragma GCC unroll 32
				for (int q = 0; q < POINTS; q++) {
					x = MULD(LOADD(G + q * LANES), STATE(c));
					acc = FMA(x, STATE(c + 3 * POINTS), acc);
					STORED(H + q * LANES, s->first ? x : ADDD(x, LOADD(H + q * LANES)));
				}
				STORED(p, acc);
				break;
			case DOWN_AGAIN:
				states[s->level + 1] = up & hot;
#pragma GCC unroll 32
				for (int q = 0; q < POINTS; q++)
					STORED(levels + (size_t)(s->level + 1) * LEVEL + q * LANES, MULD(LOADD(G + q * LANES), STATE(c)));
				break;
			case UP_AGAIN: {
				const double *h = H + LEVEL;
				acc = LOADD(p);
#pragma GCC unroll 32
				for (int q = 0; q < POINTS; q++) {
					x = LOADD(h + q * LANES);
					acc = FMA(x, STATE(c), acc);
					STORED(H + q * LANES, s->first ? x : ADDD(x, LOADD(H + q * LANES)));
				}
				STORED(p, acc);
				break;
			}
			}
#undef STATE
		}
		}
	}
}
#undef NAMED
#undef JOIN
#undef JOIN_
#undef POINTS
