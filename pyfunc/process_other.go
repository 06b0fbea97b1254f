//go:build !linux && !windows

package pyfunc

import (
	"os"
	"os/exec"
	"syscall"
)

// startOnThread starts a process in a group of its own. It ends when its pipe does.
func startOnThread(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd.Start()
}

func grow(*os.File) {}
