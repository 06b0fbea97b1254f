//go:build cgo

package sklearn

/*
#cgo LDFLAGS: -lm
#include <math.h>
static void dsql_exp(const double *x, double *out, long n)
{
	for (long i = 0; i < n; i++)
		out[i] = exp(x[i]);
}
static void dsql_logistic(const double *x, double *out, long n)
{
	for (long i = 0; i < n; i++) {
		out[2 * i + 1] = 1 / (1 + exp(-x[i]));
		out[2 * i] = 1 - out[2 * i + 1];
	}
}
*/
import "C"

import "unsafe"

// scipy's expit, by which the library makes probabilities, is the C library's exponential: the same bits need the same function.

// exp writes the exponentials of x into out, which may be x.
func exp(x, out []float64) {
	C.dsql_exp((*C.double)(unsafe.SliceData(x)), (*C.double)(unsafe.SliceData(out)), C.long(len(x)))
}

// logistic writes 1 - p and p for each value.
func logistic(x, out []float64) {
	C.dsql_logistic((*C.double)(unsafe.SliceData(x)), (*C.double)(unsafe.SliceData(out)), C.long(len(x)))
}
