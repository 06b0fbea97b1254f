package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"dsql/engine/kind"
)

// How long somebody has to take a message.
const sendWithin = 10 * time.Second

// Send hands a message over: nil means that it was taken. It runs beside the batches, and touches no file of DuckDB's.
func (a *alert) Send(ctx context.Context, m kind.Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	if v := a.decl.Arg("TO COMMAND"); v != nil {
		return runCommand(ctx, v.Text, m)
	}
	url, err := a.webhook()
	if err != nil {
		return err
	}
	return post(ctx, url, m)
}

// post sends a message to a receiver. Neither its address nor what it answers at length gets into an error: they may be secret.
func post(ctx context.Context, url string, m kind.Message) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(m.Body))
	if err != nil {
		return errors.New("the address of the webhook is none")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", m.ID)
	req.Header.Set("User-Agent", "dsql")
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("the receiver did not answer within %s", sendWithin)
		}
		var inner interface{ Unwrap() error }
		if errors.As(err, &inner) { // *url.Error, whose text has the address
			err = inner.Unwrap()
		}
		return fmt.Errorf("the receiver can't be reached: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return fmt.Errorf("the receiver broke off: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %s", resp.Status)
	}
	return nil
}

// client follows no redirection: a message goes where the declaration says.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// runCommand gives a message to a command of the shell.
func runCommand(ctx context.Context, text string, m kind.Message) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", text)
	cmd.Stdin = bytes.NewReader(m.Body)
	cmd.Env = append(os.Environ(), "DSQL_ALERT_ID="+m.ID)
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second // a child of its own may keep the pipes open
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("the command did not end within %s", sendWithin)
	}
	if text := strings.TrimSpace(string(said)); text != "" {
		return fmt.Errorf("the command failed: %w: %s", err, text)
	}
	return fmt.Errorf("the command failed: %w", err)
}

// tail keeps the beginning of what is written.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	if room := 500 - len(*t); room > 0 {
		*t = append(*t, p[:min(room, len(p))]...)
	}
	return len(p), nil
}
