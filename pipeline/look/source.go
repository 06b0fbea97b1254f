package look

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest"
	"dsql/pipeline/program"
)

// InspectSource prints the declaration of a source that files or a topic show; registry is the URL of a schema registry, or "".
func InspectSource(ctx context.Context, o program.Options, target, registry string) (string, error) {
	db, err := duck.Open(ctx, "", duck.Options{SearchPath: o.Dir})
	if err != nil {
		return "", err
	}
	defer db.Close()
	return ingest.Inspect(ctx, db.Writer(), &kind.Env{Dir: o.Dir}, target, registry)
}
