package duck

import (
	"context"
	"errors"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// fetch gives the next chunk of a streamed result that has rows; none at its end.
//
// A thread of DuckDB's that meets an error interrupts those beside it. Who asks for a chunk in that moment is told of the interruption,
// and the error itself goes with the result (StreamQueryResult::FetchNextInternal of DuckDB 1.5). So what nobody here has interrupted runs
// once more, to hear why it ended.
func fetch(ctx context.Context, st bindings.PreparedStatement, res *bindings.Result) (bindings.DataChunk, int, error) {
	for {
		chunk := bindings.FetchChunk(*res)
		if chunk.Ptr == nil {
			return chunk, 0, failed(ctx, st, res)
		}
		if rows := int(bindings.DataChunkGetSize(chunk)); rows > 0 {
			return chunk, rows, nil
		}
		bindings.DestroyDataChunk(&chunk)
	}
}

// errLost stands for an error that can't be heard again: the transaction has ended with it, or the next run went well.
var errLost = errors.New("a thread of DuckDB's met an error, and DuckDB doesn't say which")

func failed(ctx context.Context, st bindings.PreparedStatement, res *bindings.Result) error {
	text := bindings.ResultError(res)
	if text == "" {
		return nil
	}
	if bindings.ResultErrorType(res) != bindings.ErrorTypeInterrupt || ctx.Err() != nil {
		return errors.New(text)
	}
	if bindings.PreparedStatementType(st) != bindings.StatementTypeSelect {
		return errLost
	}
	bindings.DestroyResult(res)
	return again(ctx, st)
}

// again runs a SELECT for its error alone.
func again(ctx context.Context, st bindings.PreparedStatement) error {
	for range 5 { // it may be interrupted anew
		var res bindings.Result
		err := stream(st, &res)
		for err == nil {
			chunk := bindings.FetchChunk(res)
			if chunk.Ptr == nil {
				break
			}
			bindings.DestroyDataChunk(&chunk)
		}
		text, kind := bindings.ResultError(&res), bindings.ResultErrorType(&res)
		bindings.DestroyResult(&res)
		switch {
		case err != nil && aborted(err):
			return errLost
		case err != nil: // no rows were asked for yet: it is the error itself
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case text == "":
			return errLost
		case kind != bindings.ErrorTypeInterrupt:
			return errors.New(text)
		}
	}
	return errLost
}
