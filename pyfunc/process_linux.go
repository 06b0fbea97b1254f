package pyfunc

import (
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// starts are the processes that wait to be started. The kernel ends a worker when the thread that started it ends (Pdeathsig), so that is a
// thread that never does.
var (
	starts     = make(chan func())
	startsOnce sync.Once
)

// startOnThread starts a process that ends with this one, in a group of its own.
func startOnThread(cmd *exec.Cmd) error {
	startsOnce.Do(func() {
		go func() {
			runtime.LockOSThread()
			for f := range starts {
				f()
			}
		}()
	})
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	done := make(chan error)
	starts <- func() { done <- cmd.Start() }
	return <-done
}

// pipeBytes is what fits into a pipe: a batch mostly.
const pipeBytes = 1 << 20

// grow widens a pipe. Where the system doesn't let it, it works all the same.
func grow(f *os.File) {
	if c, err := f.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeBytes) })
	}
}
