package pyfunc

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
	"unsafe"

	"dsql/engine/duck"
)

//go:embed worker.py
var workerText string

// stub is what the interpreter starts with: the limit of memory before anything is imported, then the worker, which comes down the pipe.
const stub = `import os, sys
limit = int(sys.argv[1])
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
f = os.fdopen(3, 'rb', 0, closefd=False)
n, text = int(f.read(16)), b''
while len(text) < n:
    part = f.read(n - len(text))
    if not part:
        os._exit(0)
    text += part
try:
    import pyarrow
except ImportError as e:
    import json, struct
    t = json.dumps({'missing': e.name, 'text': str(e), 'executable': sys.executable, 'python': sys.version.split()[0]}).encode()
    os.write(4, struct.pack('=8q', -1, 0, 0, 0, len(t), 0, 0, 0) + t)
    os._exit(0)
exec(compile(text, 'dsql worker', 'exec'))
`

// worker is a Python process. One call at a time.
type worker struct {
	cmd     *exec.Cmd
	in, out *os.File // requests go into in, answers come out of out
	output  *output
	gone    chan struct{} // closed when the process has ended
	state   *os.ProcessState
	hello   hello
	loaded  map[int64]bool
	cost    time.Duration // CPU that it took to start and to load them
}

// hello is what a worker says first.
type hello struct {
	Python, Executable, Pyarrow string
	Missing, Text               string // a module that it needs and that isn't there
}

// header is of a request or an answer: see worker.py.
type header [8]int64

const (
	opLoad = 1
	opCall = 2

	flagSkip = 1 // rows that fail are NULL and are told
)

var (
	errDied    = errors.New("died")
	errTimeout = errors.New("timeout")
)

// startTime is how long an interpreter may take to say hello.
const startTime = 2 * time.Minute

// start begins a worker and waits for its hello.
func start(ctx context.Context, o Options, out io.Writer) (*worker, error) {
	toR, toW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	fromR, fromW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, toR.Close(), toW.Close())
	}
	w := &worker{in: toW, out: fromR, output: newOutput(out), gone: make(chan struct{}), loaded: map[int64]bool{}}
	w.cmd = exec.Command(o.Python, "-c", stub, strconv.FormatInt(o.Memory, 10))
	w.cmd.ExtraFiles = []*os.File{toR, fromW}
	w.cmd.Env = environment(o)
	if info, err := os.Stat(o.Dir); err == nil && info.IsDir() {
		w.cmd.Dir = o.Dir
	}
	printed, err := w.output.pipe()
	if err != nil {
		return nil, errors.Join(err, toR.Close(), toW.Close(), fromR.Close(), fromW.Close())
	}
	w.cmd.Stdout, w.cmd.Stderr = printed, printed
	begin := time.Now()
	err = startOnThread(w.cmd)
	for _, f := range []*os.File{toR, fromW, printed} {
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return nil, errors.Join(err, toW.Close(), fromR.Close())
	}
	grow(toW)
	grow(fromR)
	go func() {
		w.state, _ = w.cmd.Process.Wait()
		close(w.gone)
		w.in.SetDeadline(time.Unix(1, 0))
		w.out.SetDeadline(soon()) // what it said last is there; processes that it left behind may hold the pipe for ever
	}()
	text := fmt.Sprintf("%016d%s", len(workerText), workerText)
	h, _, j, err := w.ask(ctx, begin.Add(startTime), [][]byte{[]byte(text)}, nil)
	if err == nil && h[0] != 0 && len(j) == 0 {
		err = errors.New("it says what no worker of dsql says")
	}
	if err == nil {
		err = json.Unmarshal(j, &w.hello)
	}
	if err != nil {
		w.kill()
		return nil, err
	}
	return w, nil
}

// environment is that of dsql. What libraries start for each core is shared out among the workers, unless the user has set it.
func environment(o Options) []string {
	env := os.Environ()
	each := strconv.Itoa(max(1, o.Cores/max(1, o.Workers)))
	for _, name := range []string{"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} {
		if os.Getenv(name) == "" {
			env = append(env, name+"="+each)
		}
	}
	return append(env, "PYTHONIOENCODING=utf-8:backslashreplace")
}

// ask sends a request and reads the answer: its header, its block (nil: none) and its JSON. The deadline may be zero.
func (w *worker) ask(ctx context.Context, deadline time.Time, request [][]byte, words *[]int64) (h header, b *duck.Block, j []byte,
	err error) {
	w.in.SetDeadline(deadline)
	w.out.SetDeadline(deadline)
	select {
	case <-w.gone: // its own deadline was overwritten
		return h, nil, nil, errDied
	default:
	}
	stop := context.AfterFunc(ctx, func() {
		w.in.SetDeadline(time.Unix(1, 0))
		w.out.SetDeadline(time.Unix(1, 0))
	})
	defer stop()
	h, b, j, err = w.exchange(request, words)
	if err == nil {
		return h, b, j, nil
	}
	if b != nil {
		b.Free()
	}
	select {
	case <-ctx.Done():
		return h, nil, nil, ctx.Err()
	case <-w.gone:
		return h, nil, nil, errDied
	default:
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return h, nil, nil, errTimeout
	case errors.Is(err, errFrame):
		return h, nil, nil, err
	}
	select { // it closed its pipe: it ends, or a function closed what isn't its own
	case <-w.gone:
	case <-time.After(time.Second):
	}
	return h, nil, nil, errDied
}

func (w *worker) exchange(request [][]byte, words *[]int64) (h header, b *duck.Block, j []byte, err error) {
	for _, part := range request {
		if _, err = w.in.Write(part); err != nil {
			return h, nil, nil, err
		}
	}
	if _, err = io.ReadFull(w.out, bytesOf(h[:])); err != nil {
		return h, nil, nil, err
	}
	const most = 1 << 36
	if h[2] < 0 || h[3] < 0 || h[4] < 0 || h[2] > most || h[3] > most || h[4] > 1<<30 {
		return h, nil, nil, errFrame
	}
	if words != nil {
		*words = make([]int64, h[2])
		if _, err = io.ReadFull(w.out, bytesOf(*words)); err != nil {
			return h, nil, nil, err
		}
		b = duck.NewBlock(int(h[3]))
		if _, err = io.ReadFull(w.out, b.Bytes()); err != nil {
			return h, b, nil, err
		}
	}
	j = make([]byte, h[4])
	_, err = io.ReadFull(w.out, j)
	return h, b, j, err
}

var errFrame = errors.New("its answer is no frame")

func bytesOf(w []int64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w))), 8*len(w))
}

// alive says that the process runs, as far as is known.
func (w *worker) alive() bool {
	select {
	case <-w.gone:
		return false
	default:
		return true
	}
}

// kill ends the worker and what it has started.
func (w *worker) kill() {
	killGroup(w.cmd.Process)
	<-w.gone
	_ = w.in.Close()
	_ = w.out.Close()
	w.output.end()
}

// patience is how long a worker that is asked to end may take.
const patience = time.Second

// close asks the worker to end: its pipe does.
func (w *worker) close() {
	_ = w.in.Close()
	select {
	case <-w.gone:
	case <-time.After(patience):
	}
	w.kill()
}

// died says how the process ended.
func (w *worker) died() string {
	if w.alive() {
		return "it closed the pipe that its answers come through"
	}
	if w.state == nil {
		return "it ended"
	}
	return howEnded(w.state)
}

// executable is the interpreter's own name for itself, for commands that users are told.
func (h hello) executable(fallback string) string {
	if h.Executable == "" {
		return fallback
	}
	return filepath.Clean(h.Executable)
}
