package duck

/*
#cgo CFLAGS: -O3
#include "above.h"
#include "deciles.h"
*/
import "C"

import (
	"errors"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// MostStops bounds the stops of dsql_above.
const MostStops = 16

// CountAbove makes the aggregate dsql_above(v DOUBLE, stops DOUBLE[]) callable on all connections of the database. It gives a BIGINT[]: how many
// values there are that are neither NULL nor NaN, then for each of up to MostStops stops how many are above it. The stops of a call are constant.
// DuckDB's own histogram searches each value's bin by halves: five times the work for the eleven stops of a monitor's feature.
func (c *Conn) CountAbove() error {
	return c.aggregate("dsql_above", func(t []C.duckdb_logical_type) bool {
		return bool(C.dsql_above_register(c.raw, t[0], t[1], t[2]))
	}, "DOUBLE", "DOUBLE[]", "BIGINT[]")
}

// Deciles makes the aggregate dsql_deciles(v DOUBLE) callable. It gives a DOUBLE[]: how many finite values there are, and where there are some the
// least, for each decile from the first to the ninth the value below it and the one above it, as numpy's interpolation takes them
// (at (n − 1) · d / 10), and the greatest. It holds all values meanwhile and sorts them by their digits; DuckDB's quantile_disc, which compares
// them, takes ten times as long for the twenty places.
func (c *Conn) Deciles() error {
	return c.aggregate("dsql_deciles", func(t []C.duckdb_logical_type) bool {
		return bool(C.dsql_deciles_register(c.raw, t[0], t[1]))
	}, "DOUBLE", "DOUBLE[]")
}

// aggregate registers one, once a database.
func (c *Conn) aggregate(name string, register func([]C.duckdb_logical_type) bool, types ...Type) error {
	c.DB.mu.Lock()
	defer c.DB.mu.Unlock()
	if c.DB.own[name] != nil {
		return nil
	}
	raw := make([]C.duckdb_logical_type, len(types))
	for i, t := range types {
		made, err := c.functionType(t)
		if err != nil {
			return err
		}
		defer bindings.DestroyLogicalType(&made)
		raw[i] = C.duckdb_logical_type(unsafe.Pointer(made.Ptr))
	}
	if !register(raw) {
		return errors.New("DuckDB did not take the function " + name)
	}
	c.DB.own[name] = []Routine{{Type: "aggregate", Stability: "CONSISTENT", Pure: true}}
	return nil
}
