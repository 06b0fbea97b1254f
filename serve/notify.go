package serve

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Supervisor is who started the process and wants to hear how it is, by the protocol of sd_notify(3). The zero one is nobody.
type Supervisor struct {
	Socket string        // a unix socket; with @ before it an abstract one
	Every  time.Duration // it wants to hear so often that the process lives; 0: not at all
}

// SupervisorOf is the one that the environment names: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
func SupervisorOf(env func(string) string) Supervisor {
	s := Supervisor{Socket: env("NOTIFY_SOCKET")}
	usec, err := strconv.ParseInt(env("WATCHDOG_USEC"), 10, 64)
	if pid := env("WATCHDOG_PID"); err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		s.Every = time.Duration(usec) * time.Microsecond / 2
	}
	return s
}

// tell says something. What it can't hear is no fault of the server's.
func (s Supervisor) tell(what ...string) {
	if s.Socket == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.Socket, Net: "unixgram"})
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) // it may not listen
	_, _ = c.Write([]byte(strings.Join(what, "\n")))
}

// watchdog says that the process lives, as long as the file answers, until over is closed.
func (s *server) watchdog(over <-chan struct{}) {
	every := s.o.Supervisor.Every
	if s.o.Supervisor.Socket == "" || every <= 0 {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		s.use.RLock()
		if !ended(over) && s.file.looker.answers(context.Background()) { // behind the end there is no file
			s.o.Supervisor.tell("WATCHDOG=1")
		}
		s.use.RUnlock()
		select {
		case <-tick.C:
		case <-over:
			return
		}
	}
}
