// Package python is the wheel, whose module dsql is Python. To Go it has three files of it to give, which workers run without anything
// else of dsql: what loads and calls a model, and what makes tables of one.
package python

import _ "embed"

// Model is src/dsql/_model.py.
//
//go:embed src/dsql/_model.py
var Model string

//go:embed src/dsql/_tables.py
var tables string

//go:embed src/dsql/_steps.py
var steps string

// Tables is src/dsql/_tables.py and _steps.py, which stand behind Model.
func Tables() string { return tables + "\n\n" + steps }
