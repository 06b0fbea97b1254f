package program

import (
	"dsql/connect"
	"dsql/endpoint"
	"dsql/engine/kind"
	"dsql/ingest"
	"dsql/journal"
	"dsql/models"
	"dsql/pipeline/params"
	"dsql/pyfunc"
	"dsql/quality"
	"dsql/rollup"
	"dsql/rules"
	"dsql/scripttest"
	"dsql/sinks"
	"dsql/stream"
	"dsql/watch"
)

// Kinds is the list of what can be declared. A new kind is one line here.
var Kinds = []kind.Kind{
	connect.Kind,
	endpoint.Kind,
	ingest.Kind,
	stream.Kind,
	journal.Kind,
	rollup.Kind,
	rules.Kind,
	kind.FunctionKind(rules.Expr, pyfunc.Python),
	quality.Kind,
	models.Kind,
	watch.ExperimentKind,
	sinks.Kind,
	watch.Kind,
	watch.AlertKind,
	params.Kind,
	scripttest.Kind,
}
