package serve

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"dsql/page"
	"dsql/pipeline/event"
	pageview "dsql/pipeline/view"
	"dsql/sql"
	"dsql/sql/code"
)

// With --allow-replay the page of rejects has a button that sends those of its filter through the chain again. The page of another site
// can't press it: the request must come from a page of this server's own, with a token that was made for the filter, for this process and
// for whoever saw it. What runs is made of the filter here; no SQL is taken. The writer runs it as a script of its own, between two batches.

// replays are those that were asked for.
type replays struct {
	mu   sync.Mutex
	key  []byte
	sent []*page.Sent // the newest last; none is changed, one that goes on is another
}

const (
	mostSent  = 50 // whose outcome is kept
	mostGoing = 8  // that wait for the writer
)

// mayReplay says whether who asks may send rejects again: where there are tokens, by one for admin.
func (s *server) mayReplay(w *recorder, r *http.Request) error {
	if !s.o.AllowReplay {
		return refuse(http.StatusForbidden, code.NoScope, "start it with --allow-replay, or run the statement with `dsql exec`",
			"this server sends no rejects for pages")
	}
	if s.guard.none() { // nobody but this machine asks
		return nil
	}
	return s.allowed(w, r, "admin")
}

// token allows somebody to send a filter's rejects.
func (p *replays) token(who string, f page.Filter) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.key == nil {
		p.key = make([]byte, sha256.Size)
		_, _ = rand.Read(p.key) // never fails
	}
	h := hmac.New(sha256.New, p.key)
	_, _ = h.Write([]byte(strings.Join([]string{who, f.Code, f.Rule, f.Destination, f.Source, f.Text}, "\x00")))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// begun notes one more; false: too many wait.
func (p *replays) begun(x *page.Sent) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	going := 0
	for _, o := range p.sent {
		if o.Running {
			going++
		}
	}
	if going >= mostGoing {
		return false
	}
	if len(p.sent) >= mostSent {
		i := slices.IndexFunc(p.sent, func(o *page.Sent) bool { return !o.Running })
		p.sent = slices.Delete(p.sent, i, i+1)
	}
	p.sent = append(p.sent, x)
	return true
}

// ended notes what came of one.
func (p *replays) ended(x *page.Sent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, o := range p.sent {
		if o.ID == x.ID {
			p.sent[i] = x
		}
	}
}

// find is what is known of one; nil: none was asked for.
func (p *replays) find(id string) *page.Sent {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.IndexFunc(p.sent, func(o *page.Sent) bool { return o.ID == id }); i >= 0 {
		return p.sent[i]
	}
	if id == "" {
		return nil
	}
	return &page.Sent{ID: id, Unknown: true}
}

// filterOf is what an address says of rejects.
func filterOf(q url.Values) page.Filter {
	return page.Filter{Code: q.Get("code"), Rule: q.Get("rule"), Destination: q.Get("dest"), Source: q.Get("src"), Text: q.Get("q")}
}

// replay answers the button: it hands the statements to the writer, and leads to the page that shows what comes of them.
func (s *server) replay(w *recorder, r *http.Request) error {
	if err := s.mayReplay(w, r); err != nil {
		return err
	}
	own, err := url.Parse(r.Header.Get("Origin"))
	if site := r.Header.Get("Sec-Fetch-Site"); err != nil || !strings.EqualFold(own.Host, r.Host) || site != "" && site != "same-origin" {
		return refuse(http.StatusForbidden, code.OtherOrigin, "POST /v1/exec takes statements",
			"this takes what the button of a page of this server sends")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return refuse(http.StatusUnsupportedMediaType, code.MediaType, "", "a form is taken here")
	}
	body, err := s.body(w, r)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return refuse(http.StatusBadRequest, code.BadBody, "", "the form can't be read: %v", err)
	}
	f := filterOf(r.URL.Query())
	if !hmac.Equal([]byte(form.Get("token")), []byte(s.replays.token(w.who, f))) {
		return refuse(http.StatusForbidden, code.NoToken, "go back, reload the page, and look whether it still says what you want",
			"the page is an old one, of before the server was started again")
	}
	statements, err := s.statements(r.Context(), f)
	if err != nil {
		return err
	}
	x := &page.Sent{ID: rand.Text(), Statement: strings.Join(statements, "\n"), Running: len(statements) > 0}
	if !s.replays.begun(x) {
		return refuse(http.StatusTooManyRequests, code.QueueFull, "try again later", "others wait for the writer already")
	}
	if x.Running {
		go s.send(*x)
	}
	site := page.Site{Base: "/"}
	w.Header().Set("Location", site.SentTo(f, x.ID))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// statements are those of a filter, of the file as it is now.
func (s *server) statements(ctx context.Context, f page.Filter) (out []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Limits.Time)
	defer cancel()
	s.use.RLock()
	defer s.use.RUnlock()
	_, _, err = s.pages.read(ctx, s, "", func(ctx context.Context, v *pageview.Reader, _ *page.File) (d drawn, err error) {
		out, err = v.Replays(ctx, f)
		return d, err
	})
	return out, err
}

// send waits until the writer has run it.
func (s *server) send(x page.Sent) {
	x.Running = false
	defer s.replays.ended(&x)
	j := &job{sources: []*sql.Source{sql.NewSource("replay", x.Statement)}, done: make(chan error, 1), emit: func(e event.Event) {
		switch e := e.(type) {
		case event.BatchCommitted:
			x.Bad += e.Bad
			for _, d := range e.Rows {
				if d.In == 0 { // nothing reached it
					continue
				}
				x.Rows = addSent(x.Rows, d)
			}
		case event.Warned:
			x.Warnings = append(x.Warnings, e.Err.Error())
		}
	}}
	select {
	case s.jobs <- j:
	case <-s.halt:
		x.Wrong = errStopping.Error()
		return
	}
	if err := <-j.done; err != nil {
		x.Wrong = rendered(err, err.Error())
	}
}

// rendered is an error with the place under the text that was asked, or what else there is to say where it has none.
func rendered(err error, plain string) string {
	var told *sql.Error
	if !errors.As(err, &told) {
		return plain
	}
	var b strings.Builder
	told.Render(&b)
	return b.String()
}

// addSent adds what a version made of rows to what those before it did.
func addSent(rows []page.SentRows, d event.DestinationRows) []page.SentRows {
	i := slices.IndexFunc(rows, func(o page.SentRows) bool { return o.Name == d.Name })
	if i < 0 {
		i = len(rows)
		rows = append(rows, page.SentRows{Name: d.Name})
	}
	o := &rows[i]
	o.In, o.Written, o.Rejected, o.Dropped = o.In+d.In, o.Written+d.Written, o.Rejected+d.Rejected, o.Dropped+d.Dropped
	return rows
}
