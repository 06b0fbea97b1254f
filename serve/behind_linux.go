package serve

import "syscall"

// behindOthers gives the thread at hand the lowest priority. It can't take it back: the thread must not serve anything else.
func behindOthers() {
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), 19) // without the right to it goes on as it is
}
