package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	stdflag "flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dsql/internal/testpython"
	"dsql/torture"
)

// The flags of the random tester; CONTRIBUTING.md shows how they are used.
var (
	tortureSeeds = stdflag.String("torture.seeds", "", "seeds to play, a-b or n")
	tortureTime  = stdflag.Duration("torture.time", 0, "begin no seed after this; 0 is no limit")
	tortureSteps = stdflag.Int("torture.steps", 7, "runs of the command a seed")
	tortureMay   = stdflag.String("torture.features", "",
		"what may be made, separated by commas; none is the narrow core; everything by default")
	tortureWith   = stdflag.String("torture.with", "", "known faults to show, or all")
	torturePlan   = stdflag.String("torture.plan", "", "a plan.json to play once more, in place of seeds")
	tortureFound  = stdflag.String("torture.found", "", "folder for what is found (a folder in the system's temporary one by default)")
	tortureShrink = stdflag.Duration("torture.shrink", time.Minute, "how long a difference is made small")
)

// TestTorture plays random plans with the command and a model, and holds what the file says against the model: see package torture. It
// isn't parallel: see rapidDefaults.
func TestTorture(t *testing.T) {
	o := tortureOptions(t)
	if *torturePlan != "" {
		b, err := os.ReadFile(*torturePlan)
		if err != nil {
			t.Fatal(err)
		}
		p, err := torture.ReadPlan(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Play(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		return
	}
	from, to := seedRange(t)
	rapidDefaults(t)
	began, seeds := time.Now(), make(chan uint64)
	go func() {
		defer close(seeds)
		for s := from; s <= to && (*tortureTime == 0 || time.Since(began) < *tortureTime); s++ {
			seeds <- s
		}
	}()
	tallies := make(chan torture.Tally)
	for range 2 {
		go func() {
			sum := torture.Tally{}
			for s := range seeds {
				y := o.Try(s)
				t.Run(fmt.Sprint(s), func(t *testing.T) { checkSeed(t, y, s) })
				sum["seeds"]++
				for k, n := range y.Tally {
					sum[k] += n
				}
			}
			tallies <- sum
		}()
	}
	sum := <-tallies
	for k, n := range <-tallies {
		sum[k] += n
	}
	for _, k := range slices.Sorted(maps.Keys(sum)) {
		t.Logf("%6d %s", sum[k], k)
	}
	t.Logf("seeds from %d, %s", from, time.Since(began).Round(time.Millisecond))
}

// seeding is held from the moment at which rapid is given a seed until it has taken it.
var seeding sync.Mutex

// checkSeed lets rapid check the case of a seed, which is a seed of rapid's own.
func checkSeed(t *testing.T, y *torture.Try, seed uint64) {
	defer func() { // rapid has ended the test
		text, err := y.Small(context.Background())
		if text != "" {
			t.Error(text)
		}
		if err != nil {
			t.Error(err)
		}
	}()
	seeding.Lock()
	if err := stdflag.Set("rapid.seed", fmt.Sprint(seed)); err != nil {
		t.Fatal(err)
	}
	var taken sync.Once
	rapid.Check(t, func(r *rapid.T) {
		taken.Do(seeding.Unlock)
		y.Property(r)
	})
}

// rapidDefaults are rapid's flags here: a check a seed, and no shrinking of bits where -rapid.shrinktime doesn't ask for it, as a try
// takes seconds. A file of bits is for what was shrunk so: a seed says all else. No other test may run, as its flags are those of all.
func rapidDefaults(t *testing.T) {
	given := map[string]bool{}
	stdflag.Visit(func(f *stdflag.Flag) { given[f.Name] = true })
	set := map[string]string{"rapid.checks": "1", "rapid.seed": stdflag.Lookup("rapid.seed").Value.String()}
	if testing.Short() { // it divides by 5
		set["rapid.checks"] = "5"
	}
	if !given["rapid.shrinktime"] {
		set["rapid.shrinktime"], set["rapid.nofailfile"] = "0s", "true"
	}
	for name, value := range set {
		was := stdflag.Lookup(name).Value.String()
		if err := stdflag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stdflag.Set(name, was) })
	}
}

func tortureOptions(t *testing.T) torture.Options {
	o := torture.Options{Steps: *tortureSteps, Shrink: *tortureShrink, Found: *tortureFound}
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() { // a file system in memory halves the time
		o.Work = "/dev/shm"
	}
	if o.Found == "" {
		o.Found = filepath.Join(os.TempDir(), "torture-found")
	}
	switch *tortureMay {
	case "":
		o.Features = torture.Features()
	case "none":
		o.Features = []string{}
	default:
		o.Features = strings.Split(*tortureMay, ",")
		for _, f := range o.Features {
			if !slices.Contains(torture.Features(), f) {
				t.Fatalf("no feature %s; there are %s", f, strings.Join(torture.Features(), ", "))
			}
		}
	}
	python, err := testpython.Find()
	if err != nil {
		t.Fatal(err)
	}
	if python == "" {
		o.Features = slices.DeleteFunc(slices.Clone(o.Features), func(f string) bool { return f == "python" })
	}
	if *tortureWith != "" {
		o.Shown = strings.Split(*tortureWith, ",")
	}
	o.Command = func(dir string, env []string, args ...string) (int, string) {
		c := asCommand(t, dir, args...)
		c.Env = append(append(c.Env, "DSQL_PYTHON="+python), env...)
		var stderr bytes.Buffer
		c.Stderr = &stderr
		if err := c.Start(); err != nil {
			return -1, err.Error()
		}
		late := time.AfterFunc(2*time.Minute, func() { c.Process.Signal(syscall.SIGQUIT) }) // with what every goroutine does
		err := c.Wait()
		late.Stop()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return -1, err.Error()
		}
		if code := c.ProcessState.ExitCode(); code >= 0 || len(env) == 0 {
			return code, stderr.String()
		}
		return -9, stderr.String()
	}
	o.Follow = func(dir string, begun func() error, line func(string) bool, args ...string) (int, string, error) {
		c := asCommand(t, dir, args...)
		c.Env = append(c.Env, "DSQL_PYTHON="+python)
		told, err := c.StderrPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			return 0, "", err
		}
		late := time.AfterFunc(2*time.Minute, func() { c.Process.Signal(syscall.SIGQUIT) })
		defer late.Stop()
		failed := begun()
		if failed != nil {
			c.Process.Kill()
		}
		var all strings.Builder
		for lines, ended := bufio.NewScanner(told), false; lines.Scan(); {
			all.WriteString(lines.Text() + "\n")
			if line(lines.Text()) && !ended {
				ended = true
				c.Process.Signal(syscall.SIGTERM)
			}
		}
		var exit *exec.ExitError
		if err := c.Wait(); err != nil && !errors.As(err, &exit) {
			failed = errors.Join(failed, err)
		}
		return c.ProcessState.ExitCode(), all.String(), failed
	}
	return o
}

func seedRange(t *testing.T) (from, to uint64) {
	text := cmp.Or(*tortureSeeds, "1-20")
	if testing.Short() {
		text = cmp.Or(*tortureSeeds, "1-6")
	}
	if seed := stdflag.Lookup("rapid.seed").Value.String(); seed != "0" { // what rapid says to play once more
		text = seed
	} else if stdflag.Lookup("rapid.failfile").Value.String() != "" {
		text = "1"
	}
	a, b, several := strings.Cut(text, "-")
	if !several {
		b = a
	}
	from, err := strconv.ParseUint(a, 10, 64)
	if err == nil {
		to, err = strconv.ParseUint(b, 10, 64)
	}
	if err != nil {
		t.Fatalf("-torture.seeds %s: %v", text, err)
	}
	return from, to
}
