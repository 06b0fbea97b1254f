package serve

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"dsql/models"
	"dsql/models/model"
)

// what rows are, as a score that tells: the number and the text, "-" where it isn't there. x can't be scored, and ! is a fault.
func told(cols []model.Column, n int) (*models.Scores, error) {
	s := &models.Scores{Width: 1, Texts: make([]string, n), None: make([]bool, n)}
	numbers := make([]float64, n)
	cols[0].Numbers(0, numbers)
	for r := range n {
		text := cols[1].Text[r]
		if cols[1].Null(r) {
			text = "-"
		}
		if s.Texts[r] = fmt.Sprint(numbers[r], text); strings.Contains(text, "x") {
			return nil, errors.New("x")
		} else if text == "!" && n > 1 {
			panic("a fault")
		}
	}
	return s, nil
}

func row(number float64, text string) []model.Column {
	there := uint64(1)
	if text == "-" {
		there, text = 0, ""
	}
	return []model.Column{{Values: &number}, {Text: []string{text}, Valid: &there}}
}

// Each row gets what it gets alone, whoever scores it: in company with texts that aren't there, with one that can't be scored, or at which
// scoring goes wrong; those for whom there is no room any more have a gathering of their own.
func TestTogether(t *testing.T) {
	t.Parallel()
	for _, texts := range [][]string{{"a"}, {"a", "-", "b"}, {"-", "x", "c"}, {"x"}, {"a", "!", "b"},
		strings.Split(strings.Repeat("a,-,", mostTogether)+"b", ",")} {
		all := &together{score: told, pays: true}
		all.asked.Do(func() {})
		seats, first, got := make([]seat, len(texts)), 0, make([]string, len(texts))
		for i, text := range texts {
			seats[i], _ = all.join(row(float64(i), text))
			if seats[i].gathering == seats[0].gathering {
				first++
			}
		}
		if want := min(len(texts), mostTogether); first != want {
			t.Errorf("%d rows together, want %d", first, want)
		}
		var wg sync.WaitGroup
		for i, s := range seats {
			wg.Go(func() {
				defer func() {
					if r := recover(); r != nil {
						got[i] = "a fault"
					}
				}()
				scores, at, err := all.seated(s)
				if err != nil {
					got[i] = err.Error()
				} else {
					got[i] = scores.Texts[at]
				}
			})
		}
		wg.Wait()
		for i, text := range texts {
			want := fmt.Sprint(float64(i), text)
			switch {
			case text == "x":
				want = text
			case i == 0 && strings.Contains(strings.Join(texts, ""), "!"): // who scores for all
				want = "a fault"
			}
			if got[i] != want {
				t.Errorf("row %d of %d: %q, want %q", i, len(texts), got[i], want)
			}
		}
	}
	missing := row(math.NaN(), "a")
	none := uint64(0)
	missing[0].Valid = &none
	all := &together{score: told, pays: true}
	all.asked.Do(func() {})
	s, _ := all.join(missing)
	if scores, at, err := all.seated(s); err != nil || scores.Texts[at] != "NaNa" && scores.Texts[at] != "NaN a" {
		t.Errorf("%v %v", scores, err)
	}
}

// A model that takes no time, or as much again for each row, is asked row by row; so is one that can't be asked.
func TestTogetherPays(t *testing.T) {
	t.Parallel()
	busy := func(steps int) (x float64) {
		for i := range steps {
			x += math.Sqrt(float64(i))
		}
		return x
	}
	for name, c := range map[string]struct {
		steps func(n int) int
		err   error
		want  bool
	}{
		"quick":    {func(int) int { return 0 }, nil, false},
		"each":     {func(n int) int { return n * 100_000 }, nil, false},
		"together": {func(int) int { return 200_000 }, nil, true},
		"fails":    {func(int) int { return 200_000 }, errors.New("no"), false},
	} {
		all := &together{score: func(_ []model.Column, n int) (*models.Scores, error) {
			return &models.Scores{Width: int(busy(c.steps(n)))}, c.err
		}}
		if _, got := all.join(row(1, "a")); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
