// Package python is the wheel, whose module dsql is Python. To Go it has one file of it to give: what loads and calls a model, which workers
// run without anything else of dsql.
package python

import _ "embed"

// Model is src/dsql/_model.py.
//
//go:embed src/dsql/_model.py
var Model string
