//go:build cgo

package booster

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

// scipy's expit and CatBoost's logistic are the C library's exponential: the same bits need the same function.

// Exp writes the exponentials of x into out, which may be x.
func Exp(x, out []float64) {
	C.dsql_exp((*C.double)(unsafe.SliceData(x)), (*C.double)(unsafe.SliceData(out)), C.long(len(x)))
}

// Logistic writes 1 - p and p for each value.
func Logistic(x, out []float64) {
	C.dsql_logistic((*C.double)(unsafe.SliceData(x)), (*C.double)(unsafe.SliceData(out)), C.long(len(x)))
}
