package serve

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/page"
	"dsql/pipeline/program"
	pageview "dsql/pipeline/view"
	"dsql/sql/code"
)

// The pages at / show what dsql report draws, of the file as it is now. Each state has an address; what is asked for changes nothing.

// pages draw with a connection of their own. What all views share is read once a state of the file.
type pages struct {
	mu       sync.Mutex
	db       *duck.DB // that conn is of: the file may be opened again
	conn     *duck.Conn
	epoch    uint64 // of what is kept; odd: of a state that nobody can name
	turn     uint64 // of the lags in it
	kept     *pageview.Kept
	due      atomic.Int64 // when what is kept may be older than its state (nanoseconds since 1970); 0: it isn't
	program  *program.Program
	file     *page.File
	drawn    map[string]drawn // views of this state that were read, by address
	things   map[string]*page.Thing
	watchers atomic.Int64 // who is told of versions
}

const (
	mostWatchers  = 64
	lookEvery     = 250 * time.Millisecond // a page isn't asked for anew more often
	stillHere     = 15 * time.Second       // a silent connection is closed by what lies between
	pageRows      = 200
	pageRejects   = 50
	mostDrawn     = 100      // views that are kept of a state
	mostPageBytes = 64 << 10 // of an address
)

// pageRoutes are the addresses of views, of what they are drawn with, and of what tells that they are old.
func (s *server) pageRoutes() {
	s.handlePage("GET /{$}", s.flowPage)
	s.handlePage("GET /o/{object}", s.objectPage)
	s.handlePage("GET /m/{object}", s.objectPage)
	s.handlePage("GET /k/{object}", s.lifePage)
	s.handlePage("GET /rejects", s.rejectsPage)
	s.handlePage("POST /rejects/replay", s.replay)
	s.handlePage("GET /sql", s.sqlPage)
	s.handlePage("GET /sql.csv", s.sqlFile("csv", asCSV))
	s.handlePage("GET /sql.arrow", s.sqlFile("arrow", asArrow))
	s.handlePage("GET /sql.parquet", s.sqlParquet)
	s.handlePage("GET /sql/complete", s.complete)
	s.handlePage("GET /events", s.events)
	s.handle("GET /assets/{file}", "", asset)
}

// handlePage is handle for browsers: they ask for a token by themselves, as a password of any name.
func (s *server) handlePage(pattern string, f action) {
	s.handle(pattern, "", func(w *recorder, r *http.Request) error {
		if len(r.URL.RawQuery) > mostPageBytes {
			return refuse(http.StatusRequestURITooLong, code.TooLarge, "use POST /v1/query", "the address is too long")
		}
		asked, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil { // it would be passed over
			return refuse(http.StatusBadRequest, code.BadParameter, "write %XX for characters that mean something in an address: %3B for ;",
				"the address can't be read: %s", err)
		}
		for _, values := range asked {
			if slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) }) {
				return refuse(http.StatusBadRequest, code.BadParameter, "write texts as UTF-8", "the address holds bytes that are no text")
			}
		}
		if _, secret, ok := r.BasicAuth(); ok {
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		h := w.Header()
		h.Set("Content-Security-Policy", page.Policy)
		h.Set("Referrer-Policy", "same-origin") // with none at all the form of the button would come from nowhere
		h.Set("Cache-Control", "no-store")
		err = s.allowed(w, r, "query")
		var refused *refusal
		if errors.As(err, &refused) && refused.status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", `Basic realm="dsql: a token as password", charset="UTF-8"`)
			http.Error(w, refused.err.Msg, refused.status)
			return nil
		}
		if err != nil {
			return err
		}
		return f(w, r)
	})
}

// asset answers the style and the script.
func asset(w *recorder, r *http.Request) error {
	text, kind := page.Style(), "text/css; charset=utf-8"
	switch r.PathValue("file") {
	case "page.css":
	case "page.js":
		text, kind = page.Script(), "text/javascript; charset=utf-8"
	default:
		return refuse(http.StatusNotFound, code.UnknownPath, "", "nothing is at %s", r.URL.Path)
	}
	tag := tagOf(text)
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-cache")
	if known(r, tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return send(w, r, http.StatusOK, kind, []byte(text))
}

// send writes a whole answer, packed where the client takes that.
func send(w *recorder, r *http.Request, status int, kind string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Add("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && len(body) > 1000 {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		if err != nil {
			return err
		}
		if _, err := z.Write(body); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		h.Set("Content-Encoding", "gzip")
		body = b.Bytes()
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away
	return nil
}

// drawn is what a view is made of: data nil is a page that says that nothing is there.
type drawn struct {
	view, title string
	data        any
}

// drawing asks a file for a view.
type drawing func(ctx context.Context, v *pageview.Reader, f *page.File) (drawn, error)

// show draws a view of one state of the file. Who has a page already gets the sections that have changed. dress adds to the site what isn't
// of the file.
func (s *server) show(w *recorder, r *http.Request, f drawing, dress ...func(*page.Site)) error {
	ctx, cancel := context.WithTimeout(r.Context(), s.o.Limits.Time)
	defer cancel()
	address := r.URL.RequestURI()
	if r.URL.Path == "/sql" { // what it shows was asked for elsewhere
		address = ""
	}
	s.lags.looked()
	s.use.RLock()
	defer s.use.RUnlock()
	d, file, err := s.pages.read(ctx, s, address, f)
	if err != nil {
		return err
	}
	site := &page.Site{File: file, Now: time.Now(), View: d.view, Title: d.title, Base: "/"}
	if d.data == nil {
		site.View = ""
	}
	for _, add := range dress {
		add(site)
	}
	var b bytes.Buffer
	if err := site.Write(&b, d.data); err != nil {
		return err
	}
	w.stamp(file.Last().Number)
	have, live := has(r.Header.Get("X-Have"))
	status := http.StatusOK
	if site.View == "" && !live {
		status = http.StatusNotFound
	}
	return send(w, r, status, "text/html; charset=utf-8", page.Live(b.Bytes(), have))
}

// has are the sections that a client has: "id:hash id:hash".
func has(header string) (have map[string]string, live bool) {
	if header == "" {
		return nil, false
	}
	have = map[string]string{}
	for part := range strings.FieldsSeq(header) {
		if id, hash, ok := strings.Cut(part, ":"); ok {
			have[id] = hash
		}
	}
	return have, true
}

// read gives f one state of the file, and what all views share of it. What f made is kept for the address, and nobody changes it.
func (p *pages) read(ctx context.Context, s *server, address string, f drawing) (d drawn, file *page.File, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.db != s.file.db {
		c, err := s.file.db.Reader(ctx)
		if err != nil {
			return d, nil, err
		}
		p.db, p.conn, p.file, p.kept = s.file.db, c, nil, &pageview.Kept{}
	}
	if err := p.conn.Run(ctx, duck.SQL("BEGIN TRANSACTION READ ONLY")); err != nil {
		return d, nil, err
	}
	defer func() {
		if _, end := p.conn.Exec(context.WithoutCancel(ctx), duck.SQL("ROLLBACK")); err == nil {
			err = end
		}
	}()
	epoch := p.db.Epoch()
	lags, turn := s.lags.last()
	v := &pageview.Reader{Conn: p.conn, Now: time.Now(), Lags: lags, Kept: p.kept}
	if p.file == nil || p.epoch != epoch || epoch%2 == 1 || p.turn != turn || p.overdue() != 0 {
		if v.Program, err = s.o.Language.Load(ctx, p.conn, nil, &kind.Env{Dir: s.o.Dir}, program.Opened{}); err != nil {
			return d, nil, err
		}
		if file, err = v.File(ctx); err != nil {
			return d, nil, err
		}
		p.due.Store(p.kept.Due(v.Now))
		p.program, p.file, p.epoch, p.turn, p.drawn = v.Program, file, epoch, turn, map[string]drawn{}
		p.things = map[string]*page.Thing{}
		if p.db.Epoch() != epoch { // something was committed meanwhile: which state this is nobody knows
			p.epoch = 1
		}
	}
	if d, ok := p.drawn[address]; ok && address != "" {
		return d, p.file, nil
	}
	v.Program = p.program
	if d, err = f(ctx, v, p.file); err == nil && len(p.drawn) < mostDrawn && ctx.Err() == nil { // what was broken off is not to be shown again
		p.drawn[address] = d
	}
	return d, p.file, err
}

// overdue is when the state that is kept became older than it may be; 0: it didn't.
func (p *pages) overdue() int64 {
	if due := p.due.Load(); due != 0 && time.Now().UnixNano() >= due {
		return due
	}
	return 0
}

// flowPage is what needs a look and the flow; ?o= picks an object, ?c= a column of it.
func (s *server) flowPage(w *recorder, r *http.Request) error {
	q := r.URL.Query()
	return s.show(w, r, func(_ context.Context, _ *pageview.Reader, f *page.File) (drawn, error) {
		front := &page.Front{Pick: f.Object(q.Get("o"))}
		if front.Pick != nil && slices.ContainsFunc(front.Pick.Columns, func(c page.Column) bool { return c.Name == q.Get("c") }) {
			front.Column = q.Get("c")
		}
		return drawn{"flow", "Flow", front}, nil
	})
}

// objectPage is an object's; ?v= shows what a version changed, ?m= metrics with that in their name.
func (s *server) objectPage(w *recorder, r *http.Request) error {
	return s.show(w, r, func(ctx context.Context, v *pageview.Reader, f *page.File) (drawn, error) {
		o := f.Object(r.PathValue("object"))
		if o == nil {
			return drawn{title: "Nothing"}, nil
		}
		switch o.Kind {
		case "model":
			return drawn{"model", o.Name, v.Model(ctx, f, o)}, nil
		case "experiment":
			return drawn{"experiment", o.Name, v.Trial(ctx, o)}, nil
		}
		return drawn{"object", o.Name, s.pages.thing(ctx, v, o, r.URL.Query().Get("m"), number(r, "v"))}, nil
	})
}

// thing is an object's page, with what a version changed: all else of it is read once a state.
func (p *pages) thing(ctx context.Context, v *pageview.Reader, o *page.Object, metrics string, version int64) *page.Thing {
	key := o.Name + "\x00" + metrics
	of, ok := p.things[key]
	if !ok {
		if of = v.Thing(ctx, o, metrics); len(p.things) < mostDrawn && ctx.Err() == nil {
			p.things[key] = of
		}
	}
	if version == 0 {
		return of
	}
	return v.Changed(ctx, of, version)
}

// number is a parameter that is one, else 0.
func number(r *http.Request, name string) int64 {
	n, err := strconv.ParseInt(r.URL.Query().Get(name), 10, 64)
	if err != nil {
		return 0
	}
	return max(0, n)
}

// lifePage is the life of a key, ?key= once for each key column; ?seen= as it was known in a version, ?col= the column by both times.
func (s *server) lifePage(w *recorder, r *http.Request) error {
	q := r.URL.Query()
	return s.show(w, r, func(ctx context.Context, v *pageview.Reader, f *page.File) (drawn, error) {
		o := f.Object(r.PathValue("object"))
		if o == nil || o.Kind != "journal" {
			return drawn{title: "Nothing"}, nil
		}
		life := v.Life(ctx, f, o, q["key"], number(r, "seen"), q.Get("col"))
		return drawn{"life", life.KeyText(), life}, nil
	})
}

// rejectsPage are those of a filter; ?sent= shows what came of some that were sent again.
func (s *server) rejectsPage(w *recorder, r *http.Request) error {
	filter := filterOf(r.URL.Query())
	return s.show(w, r, func(ctx context.Context, v *pageview.Reader, _ *page.File) (drawn, error) {
		return drawn{"rejects", "Rejects", v.Rejects(ctx, filter, pageRejects)}, nil
	}, func(site *page.Site) {
		if s.mayReplay(w, r) == nil {
			site.Token = s.replays.token(w.who, filter)
		}
		if site.Sent = s.replays.find(r.URL.Query().Get("sent")); site.Sent != nil && site.Sent.Running {
			w.Header().Set("Refresh", "1") // where no script asks for it
		}
	})
}
