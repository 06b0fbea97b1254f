package ingest

import (
	"context"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/files"
	"dsql/ingest/kafka"
	"dsql/sql"
	"dsql/sql/code"
)

// Inspect prints the CREATE SOURCE of files or of a topic (kafka://broker:port/topic), with the columns and types that a sample
// shows; of a topic in Avro or Protobuf those of the newest record's schema, which registry (a URL) has.
func Inspect(ctx context.Context, c *duck.Conn, env *kind.Env, target, registry string) (string, error) {
	rest, ok := strings.CutPrefix(target, "kafka://")
	if !ok {
		return files.Inspect(ctx, c, env, target)
	}
	brokers, topic, ok := strings.Cut(rest, "/")
	if !ok || brokers == "" || topic == "" {
		return "", sql.Errorf(code.BadTarget, "%s names no topic", target).WithHint("write kafka://localhost:9092/topic")
	}
	return kafka.Inspect(ctx, c, env, brokers, topic, registry, files.Samples)
}
