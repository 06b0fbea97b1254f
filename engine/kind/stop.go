package kind

import (
	"context"
	"time"
)

// UntilStop ends with ctx, and a while after stop is closed; nil never is. Whoever asked for it calls the function when it needs it no more.
func UntilStop(ctx context.Context, stop <-chan struct{}, after time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-stop:
		}
		select {
		case <-ctx.Done():
		case <-time.After(after):
			cancel()
		}
	}()
	return ctx, cancel
}
