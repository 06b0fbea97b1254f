package serve

import "syscall"

// thread is the thread at hand.
func thread() int { return syscall.Gettid() }

// putBehind gives a thread the lowest priority. Nobody can take it back: the thread must not serve anything else.
func putBehind(thread int) {
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, thread, 19) // without the right to it goes on as it is
}

// freeOn is how many bytes are free where a folder is; 0: nobody knows.
func freeOn(folder string) int64 {
	var fs syscall.Statfs_t
	if syscall.Statfs(folder, &fs) != nil {
		return 0
	}
	return int64(fs.Bavail) * fs.Bsize
}
