// Command load asks a server over and over: URL BODY CLIENTS SECONDS [KEYS N [RATE]]. With KEYS, a file of lines, KEY in the body is one of its
// first N lines by chance (0: of all), another one each time; with RATE so many requests a second are begun, whether those before are answered
// or not. It prints the requests a second and how long they took, as JSON.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 4 || len(args) == 5 || len(args) > 7 {
		return fmt.Errorf("usage: load URL BODY CLIENTS SECONDS [KEYS N [RATE]]")
	}
	rest := append(args[4:], "", "0", "0")
	body, err := bodies(args[1], rest[0], rest[1])
	if err != nil {
		return err
	}
	rate, err := strconv.ParseFloat(rest[2], 64)
	if len(args) < 7 || err != nil {
		rate = 0
	}
	clients, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseFloat(args[3], 64)
	if err != nil {
		return err
	}
	to, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	began := time.Now()
	end := began.Add(time.Duration(seconds * float64(time.Second)))
	var turns atomic.Int64 // of requests at a rate: each has its time, from which its answer is waited for
	due := func() time.Time {
		if rate == 0 {
			return time.Now()
		}
		at := began.Add(time.Duration(float64(turns.Add(1)) / rate * float64(time.Second)))
		time.Sleep(time.Until(at))
		return at
	}
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			var own []time.Duration
			c, err := dial(to)
			for err == nil && time.Now().Before(end) {
				at := due()
				if err = c.ask(body()); err == nil {
					own = append(own, time.Since(at))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if all = append(all, own...); err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	if failed != nil || len(all) == 0 {
		return fmt.Errorf("a request failed: %w", failed)
	}
	slices.Sort(all)
	ms := func(part float64) float64 { return float64(all[int(part*float64(len(all)-1))].Microseconds()) / 1000 }
	return json.NewEncoder(os.Stdout).Encode(map[string]float64{"rate": float64(len(all)) / time.Since(began).Seconds(), "p50": ms(.5), "p99": ms(.99)})
}

// bodies gives one body after the other.
func bodies(text, file, first string) (func() string, error) {
	if file == "" {
		return func() string { return text }, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	keys := strings.Fields(string(b))
	if n, err := strconv.Atoi(first); err != nil {
		return nil, err
	} else if n > 0 {
		keys = keys[:min(n, len(keys))]
	}
	return func() string { return strings.ReplaceAll(text, "KEY", keys[rand.IntN(len(keys))]) }, nil
}

// client asks over one connection, one request after the other. It takes as little of the machine as it can, since the server is on it too.
type client struct {
	url  *url.URL
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

func dial(to *url.URL) (*client, error) {
	c, err := net.Dial("tcp", to.Host)
	if err != nil {
		return nil, err
	}
	return &client{url: to, conn: c, in: bufio.NewReader(c)}, nil
}

// ask posts a body, or gets the URL where there is none.
func (c *client) ask(body string) error {
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	c.out = fmt.Appendf(c.out[:0], "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", method,
		c.url.RequestURI(), c.url.Host, len(body), body)
	if _, err := c.conn.Write(c.out); err != nil {
		return err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, b)
	}
	return err
}
