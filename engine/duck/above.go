package duck

/*
#cgo CFLAGS: -O3
#include "above.h"
*/
import "C"

import (
	"errors"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// MostStops bounds the stops of dsql_above.
const MostStops = 16

const above = "dsql_above"

// CountAbove makes the aggregate dsql_above(v DOUBLE, stops DOUBLE[]) callable on all connections of the database. It gives a BIGINT[]: how many
// values there are that are neither NULL nor NaN, then for each of up to MostStops stops how many are above it. The stops of a call are constant.
// DuckDB's own histogram searches each value's bin by halves: five times the work for the eleven stops of a monitor's feature.
func (c *Conn) CountAbove() error {
	c.DB.mu.Lock()
	defer c.DB.mu.Unlock()
	if c.DB.own[above] != nil {
		return nil
	}
	var raw [3]C.duckdb_logical_type
	for i, t := range []Type{"DOUBLE", "DOUBLE[]", "BIGINT[]"} {
		made, err := c.functionType(t)
		if err != nil {
			return err
		}
		defer bindings.DestroyLogicalType(&made)
		raw[i] = C.duckdb_logical_type(unsafe.Pointer(made.Ptr))
	}
	if !C.dsql_above_register(c.raw, raw[0], raw[1], raw[2]) {
		return errors.New("DuckDB did not take the function " + above)
	}
	c.DB.own[above] = []Routine{{Type: "aggregate", Stability: "CONSISTENT", Pure: true}}
	return nil
}
