package run

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"dsql/internal/testkit"
)

// atRandom plays one seed shortly, or at length the seeds that a variable names: DSQL_JOIN_SEEDS=1-40.
func atRandom(t *testing.T, variable string, seed uint64, play func(t *testing.T, r *rand.Rand, long bool)) {
	first, last, long := seed, seed, false
	if s := os.Getenv(variable); s != "" {
		from, to, _ := strings.Cut(s, "-")
		a, wrong := strconv.ParseUint(from, 10, 64)
		b, also := strconv.ParseUint(to, 10, 64)
		if wrong != nil || also != nil {
			t.Fatalf("%s is %s, and is to be two seeds: 1-40", variable, s)
		}
		first, last, long = a, b, true
	}
	if testkit.Race && !long {
		t.Skip("it has one goroutine of its own, and the test without the race detector plays it")
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { play(t, rand.New(rand.NewPCG(seed, 0)), long) })
	}
}
