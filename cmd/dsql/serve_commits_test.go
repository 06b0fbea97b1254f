package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A look-up finds its row by key also while something commits, which takes 100 ms here, and right behind that: it never reads the whole table
// instead, but where four commits come in its way, however its look at the file, the commits and the index come between each other.
func TestServeLooksWhileCommitting(t *testing.T) {
	t.Setenv("DSQL_FAULT", "delay:before-commit:0")
	x := newSoaked(t)
	stop := x.start()
	x.takes(100)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	look := func(i int) {
		body, err := x.ask(ctx, fmt.Sprintf("/v1/endpoints/one?id=%d", i%100), "")
		if want := regexp.MustCompile(fmt.Sprintf(`"s":"text %d of `, i%100)); err == nil && !want.MatchString(body) {
			t.Errorf("the row of another key: %s", body)
		} else if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}
	var wide, found float64
	count := func() { wide, found = x.lookups("table"), x.lookups("index") }
	for i := 0; i < 100 && found == 0; i++ { // until the index is there: the same one again would be kept
		look(i)
		count()
	}
	was := wide
	var clients sync.WaitGroup
	for c := range 4 { // now and then, so that some find an index that commits have left behind, and the next on its way
		clients.Go(func() {
			for i := c; ctx.Err() == nil; i++ {
				look(i)
				select {
				case <-time.After(time.Duration(rand.IntN(400)) * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	for range 30 {
		feed(t, x.dir, x.files, 100)
		x.files++
	}
	x.takes(int64(100 * x.files))
	cancel()
	clients.Wait()
	if count(); wide-was > found/20 || found < 10 {
		t.Errorf("%v look-ups read the table, %v were found by key", wide-was, found)
	}
	if exit, said := stop(); exit != 0 {
		t.Errorf("exit code %d\n%s", exit, said)
	}
}

// lookups is how many look-ups went a way.
func (x *soaked) lookups(way string) float64 {
	x.t.Helper()
	body, err := x.ask(context.Background(), "/metrics", "")
	if err != nil {
		x.t.Fatal(err)
	}
	m := regexp.MustCompile(`dsql_lookups_total{way="` + way + `"} (\S+)`).FindStringSubmatch(body)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	return n
}
