package pyfunc

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// killGroup ends a process and all that it started and left in its group.
func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
	_ = p.Kill()
}

// howEnded is how a process ended, for a message.
func howEnded(s *os.ProcessState) string {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		why := ""
		if w.Signal() == syscall.SIGKILL {
			why = ": memory?"
		}
		return fmt.Sprintf("killed by signal %d (%s)%s", int(w.Signal()), w.Signal(), why)
	}
	return fmt.Sprintf("exit code %d", s.ExitCode())
}

// soon is until when what was printed is waited for, once nobody prints any more.
func soon() time.Time { return time.Now().Add(200 * time.Millisecond) }
