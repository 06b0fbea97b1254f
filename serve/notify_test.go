package serve_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dsql/serve"
)

// A supervisor hears when the server is ready, how it is, that it lives, and that it ends.
func TestSupervisor(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var said []string
	until := func(want string) {
		t.Helper()
		for n := 0; n < 200; n++ {
			b := make([]byte, 4096)
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
			k, err := c.Read(b)
			if err != nil {
				t.Fatalf("%s was never said, but %q: %v", want, said, err)
			}
			if said = append(said, string(b[:k])); said[len(said)-1] == want {
				return
			}
		}
		t.Fatalf("%s was never said, but %q", want, said)
	}
	r := serveFlights(t, func(o *serve.Options) { o.Supervisor = serve.Supervisor{Socket: socket, Every: 500 * time.Millisecond} })
	until("READY=1")
	until("WATCHDOG=1")
	until("STATUS=idle")
	until("WATCHDOG=1")
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	until("STOPPING=1")
	if all := strings.Join(said, " "); strings.Count(all, "READY=1") != 1 {
		t.Errorf("%s", all)
	}
	env := map[string]string{"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "20000000", "WATCHDOG_PID": strconv.Itoa(os.Getpid())}
	get := func(name string) string { return env[name] }
	if s := serve.SupervisorOf(get); s.Socket != "@x" || s.Every != 10*time.Second {
		t.Errorf("%+v", s)
	}
	env["WATCHDOG_PID"] = "1"
	if s := serve.SupervisorOf(get); s.Every != 0 {
		t.Errorf("another process is watched: %+v", s)
	}
}
