package run

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// An alert is judged behind each version, and while following every minute. A change of its state is written to dsql.alerts first, with the
// message and its id; then it is sent, beside the batches, and that it was taken is noted behind it. So a crash loses none, and what comes
// again has the same id. What can't be sent waits, in this run and in those that follow.

const (
	judgeEvery = time.Minute
	triesAtEnd = 3                // how often a run tries, before it ends, to send what waits
	firstPause = time.Second / 2  // between two tries; each is twice as long as the one before
	longPause  = 5 * time.Minute  // but no longer than this
	endWithin  = 20 * time.Second // how long a run that ends waits for receivers
)

// alerts are what a run knows of its own.
type alerts struct {
	judged  int64     // the version behind which they were judged
	at      time.Time // when
	flying  map[string]bool
	failed  map[string]int       // how often, in this run
	pauses  map[string]time.Time // when what failed is tried again
	results chan sent
}

// sent is how it went with a message.
type sent struct {
	id  string
	err error
}

// waiting is a change of state that nobody took yet.
type waitingAlert struct {
	alert, id, body string
}

// alert judges what is due, and sends what waits.
func (r *runner) alert(ctx context.Context) error {
	if !r.alarmed() {
		return nil
	}
	if err := r.landed(ctx); err != nil {
		return err
	}
	if r.alerts.judged != r.version || time.Since(r.alerts.at) >= judgeEvery {
		if err := r.judgeAlerts(ctx); err != nil {
			return err
		}
		r.alerts.judged, r.alerts.at = r.version, time.Now()
	}
	return r.sendAlerts(ctx)
}

// alarmed: there is an alert.
func (r *runner) alarmed() bool {
	for _, n := range r.Program.Nodes {
		if _, ok := n.Obj.(kind.Alerter); ok && n.Bound {
			return true
		}
	}
	return false
}

// judgeAlerts notes what has changed.
func (r *runner) judgeAlerts(ctx context.Context) error {
	for _, n := range r.Program.Nodes {
		a, ok := n.Obj.(kind.Alerter)
		if !ok || !n.Bound {
			continue
		}
		f, err := a.Judge(ctx, r.Conn, r.Program.Env)
		if err != nil {
			return placed(err, n)
		}
		if !f.Known {
			continue
		}
		if err := r.noteAlert(ctx, n, f); err != nil {
			return err
		}
	}
	return nil
}

// noteAlert writes a change of state. One that was muted, and still fires when the silence is over, is told then.
func (r *runner) noteAlert(ctx context.Context, n *program.Node, f kind.Finding) error {
	var last struct {
		state        string
		muted, quiet bool
		n            int64
	}
	if _, err := r.Conn.Scan(ctx, duck.SQL(`SELECT coalesce(max_by(state, rowid), 'resolved'), coalesce(max_by(muted, rowid), false), count(*),
			EXISTS (FROM dsql.alert_mutes WHERE alert = {name} AND until > {now}) FROM dsql.alerts WHERE alert = {name}`,
		duck.Args{"name": n.Name, "now": duck.Now}), &last.state, &last.muted, &last.n, &last.quiet); err != nil {
		return err
	}
	state := map[bool]string{true: "firing", false: "resolved"}[f.Fires]
	if state == last.state && !(last.muted && f.Fires && !last.quiet) {
		return nil
	}
	since := time.Now().UTC()
	id := fmt.Sprintf("%s-%s-%d", r.file.id, n.Name, last.n+1)
	body, err := json.Marshal(map[string]any{"id": id, "alert": n.Name, "state": state, "object": f.Object, "value": f.Value,
		"threshold": f.Threshold, "version": f.Version, "since": since.Format(time.RFC3339Nano), "link": nil,
		"text": fmt.Sprintf("%s %s: %s", n.Name, state, f.Text)})
	if err != nil {
		return err
	}
	if err := fault.Fault(ctx, "alert-before-note"); err != nil {
		return err
	}
	return r.Conn.Update(ctx, func(tx *duck.Tx) error {
		return tx.Run(ctx, duck.SQL("INSERT INTO dsql.alerts VALUES ({name}, {state}, {since}::TIMESTAMP, NULL, 0, NULL, {id}, {body}, {muted})",
			duck.Args{"name": n.Name, "state": state, "since": since.Format("2006-01-02 15:04:05.000000"), "id": id, "body": string(body),
				"muted": last.quiet}))
	})
}

// waitingAlerts are what nobody took yet, the oldest of each alert: its receiver gets them in order.
func (r *runner) waitingAlerts(ctx context.Context) ([]waitingAlert, error) {
	return duck.Select(ctx, r.Conn, duck.SQL(`SELECT DISTINCT ON (alert) alert, id, body::VARCHAR FROM dsql.alerts a
		WHERE sent_at IS NULL AND NOT muted AND NOT EXISTS (FROM dsql.alert_mutes m WHERE m.alert = a.alert AND m.until > {now}) ORDER BY alert, rowid`,
		duck.Args{"now": duck.Now}), func(row func(...any) error) (w waitingAlert, err error) {
		return w, row(&w.alert, &w.id, &w.body)
	})
}

// sendAlerts hands over what waits, and waits for nobody.
func (r *runner) sendAlerts(ctx context.Context) error {
	all, err := r.waitingAlerts(ctx)
	if err != nil {
		return err
	}
	if r.alerts.results == nil {
		r.alerts.results = make(chan sent, len(r.Program.Nodes)) // room for one of each alert: no sender waits
		r.alerts.flying, r.alerts.failed, r.alerts.pauses = map[string]bool{}, map[string]int{}, map[string]time.Time{}
	}
	for _, w := range all {
		n := r.Program.Find("alert", w.alert)
		if n == nil || r.alerts.flying[w.id] || time.Now().Before(r.alerts.pauses[w.id]) {
			continue
		}
		a, ok := n.Obj.(kind.Alerter)
		if !ok {
			continue
		}
		r.alerts.flying[w.id] = true
		out := r.alerts.results
		go func() {
			out <- sent{w.id, a.Send(ctx, kind.Message{ID: w.id, Body: []byte(w.body)})}
		}()
	}
	return nil
}

// landed notes what became of messages that were under way.
func (r *runner) landed(ctx context.Context) error {
	for {
		select {
		case s := <-r.alerts.results:
			if err := r.noteSent(ctx, s); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (r *runner) noteSent(ctx context.Context, s sent) error {
	delete(r.alerts.flying, s.id)
	a := duck.Args{"id": s.id, "now": duck.Now, "why": duck.Lit(nil)}
	set := duck.SQL("sent_at = {now}, error = NULL", a)
	if s.err != nil {
		a["why"] = s.err.Error()
		set = duck.SQL("error = {why}", a)
	}
	if err := fault.Fault(ctx, "alert-sent"); err != nil {
		return err
	}
	if s.err != nil {
		r.alerts.pauses[s.id] = time.Now().Add(min(firstPause<<min(r.alerts.failed[s.id], 12), longPause))
		r.alerts.failed[s.id]++
	}
	return r.Conn.Update(ctx, func(tx *duck.Tx) error {
		return tx.Run(ctx, duck.SQL("UPDATE dsql.alerts SET tries = tries + 1, {set} WHERE id = {id}", a, duck.Args{"set": set}))
	})
}

// lastAlerts sends, before a run ends, what waits: it tries a few times, and says what is left.
func (r *runner) lastAlerts(ctx context.Context) error {
	if !r.alarmed() {
		return nil
	}
	if err := r.alert(ctx); err != nil {
		return err
	}
	limit := time.NewTimer(endWithin)
	defer limit.Stop()
	for {
		all, err := r.waitingAlerts(ctx)
		if err != nil || len(all) == 0 {
			return err
		}
		left := 0
		for _, w := range all {
			if r.alerts.failed[w.id] < triesAtEnd {
				left++
			}
		}
		if left == 0 || r.stopped() {
			return r.unsent(ctx, all)
		}
		next := time.NewTimer(r.pause(all))
		select {
		case s := <-r.alerts.results:
			if err := r.noteSent(ctx, s); err != nil {
				return err
			}
		case <-next.C:
		case <-limit.C:
			return r.unsent(ctx, all)
		case <-r.Options.Stop:
		case <-ctx.Done():
			return ctx.Err()
		}
		next.Stop()
		if err := r.sendAlerts(ctx); err != nil {
			return err
		}
	}
}

// pause is until something is to be tried again.
func (r *runner) pause(all []waitingAlert) time.Duration {
	least := endWithin
	for _, w := range all {
		if !r.alerts.flying[w.id] && r.alerts.failed[w.id] < triesAtEnd {
			least = min(least, max(time.Until(r.alerts.pauses[w.id]), time.Millisecond))
		}
	}
	return least
}

// unsent warns of what nobody took.
func (r *runner) unsent(ctx context.Context, all []waitingAlert) error {
	for _, w := range all {
		var why *string
		if _, err := r.Conn.Scan(ctx, duck.SQL("SELECT error FROM dsql.alerts WHERE id = {id}", duck.Args{"id": w.id}), &why); err != nil {
			return err
		}
		var at sql.Place
		if n := r.Program.Find("alert", w.alert); n != nil {
			at = n.Obj.Decl().Place()
		}
		said := "its receiver did not answer in time"
		if why != nil {
			said = *why
		}
		r.Warn(at.Errorf(code.AlertUnsent, "alert %s was not taken: %s", w.alert, said).
			WithHint("it stands in dsql.alerts, and the next run tries again"))
	}
	return nil
}
