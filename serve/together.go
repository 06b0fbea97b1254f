package serve

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"dsql/models"
	"dsql/models/model"
)

// together scores rows of requests that come at the same time in one call. Kernels of trees take as long for one row as for dozens, so that
// each request would pay for all of them.
type together struct {
	score func(cols []model.Column, n int) (*models.Scores, error)
	mu    sync.Mutex
	open  *gathering // takes rows: whoever began it will score them
	asked sync.Once
	pays  bool // for this model
}

// gathering is rows that are scored in one call.
type gathering struct {
	values  []float64  // of numbers, row by row, NaN for NULL
	texts   [][]string // by column
	missing [][2]int   // texts that aren't there: row, column
	rows    int
	done    chan struct{}  // closed when it is over
	scores  *models.Scores // nil: there are none
}

const (
	mostTogether = 64 // as many as the widest kernel takes at once, and as a word has bits
	worthwhile   = 5 * time.Microsecond
)

// seat is a row's in a gathering.
type seat struct {
	*gathering
	at    int
	began bool // and so scores them all
}

// join gives a row a seat, where company pays for this model. It isn't read later.
func (t *together) join(cols []model.Column) (seat, bool) {
	if t.asked.Do(func() { t.pays = t.measured(cols) }); !t.pays {
		return seat{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := seat{t.open, 0, t.open == nil}
	if s.began {
		s.gathering = &gathering{done: make(chan struct{})}
		t.open = s.gathering
	}
	if s.at = s.add(cols); s.rows == mostTogether {
		t.open = nil
	}
	return s, true
}

// seated waits for the scores of all, of which the row's are those at the index.
func (t *together) seated(s seat) (*models.Scores, int, error) {
	if !s.began {
		<-s.done
	} else {
		runtime.Gosched() // who is about to ask does so now; where nobody is this takes no time
		t.mu.Lock()
		if t.open == s.gathering {
			t.open = nil
		}
		t.mu.Unlock()
		t.all(s.gathering)
	}
	if s.scores != nil {
		return s.scores, s.at, nil
	}
	alone, err := t.score(s.columns(s.at), 1) // one of them can't be scored, or all: each answers for itself
	return alone, 0, err
}

// all scores what was gathered. Others wait for it, whatever happens.
func (t *together) all(g *gathering) {
	defer close(g.done)
	if s, err := t.score(g.columns(0), g.rows); err == nil {
		g.scores = s
	}
}

// add takes a row and gives its index.
func (g *gathering) add(cols []model.Column) int {
	if g.values == nil {
		g.values, g.texts = make([]float64, 0, 4*len(cols)), make([][]string, len(cols))
	}
	for i := range cols {
		value := math.NaN()
		if cols[i].Text != nil {
			g.texts[i] = append(g.texts[i], strings.Clone(cols[i].Text[0]))
			if cols[i].Null(0) {
				g.missing = append(g.missing, [2]int{g.rows, i})
			}
		} else if !cols[i].Null(0) {
			value = *cols[i].Values
		}
		g.values = append(g.values, value)
	}
	g.rows++
	return g.rows - 1
}

// columns are the rows from one on.
func (g *gathering) columns(from int) []model.Column {
	cols := make([]model.Column, len(g.texts))
	for i, texts := range g.texts {
		if texts == nil {
			cols[i] = model.Column{Values: &g.values[from*len(cols)+i], Stride: len(cols)}
			continue
		}
		there := ^uint64(0)
		for _, at := range g.missing {
			if at[1] == i {
				there &^= 1 << at[0]
			}
		}
		there >>= from
		cols[i] = model.Column{Text: texts[from:], Valid: &there}
	}
	return cols
}

// measured says whether eight rows take less than twice the time of one, and long enough to care.
func (t *together) measured(cols []model.Column) bool {
	var eight gathering
	for range 8 {
		eight.add(cols)
	}
	var took [2][5]time.Duration
	for i := range took[0] {
		for k, n := range []int{1, 8} {
			began := time.Now()
			if _, err := t.score(eight.columns(0), n); err != nil {
				return false
			}
			took[k][i] = time.Since(began)
		}
	}
	one, all := slices.Min(took[0][:]), slices.Min(took[1][:])
	return one >= worthwhile && all < 2*one
}
