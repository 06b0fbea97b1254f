package pyfunc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// mostPrinted is how much of what a function prints in one call is shown.
const mostPrinted = 64 << 10

// output is what a worker prints, shown line by line with the name of the function before it.
type output struct {
	to   io.Writer
	mu   sync.Mutex
	name string
	call int // counts calls: each may print so much
	r    *os.File
	done chan struct{}
}

func newOutput(to io.Writer) *output {
	return &output{to: to, name: "python", done: make(chan struct{})}
}

// pipe is the writer's end; what comes is read until all who have it are gone, or end.
func (o *output) pipe() (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		close(o.done)
		return nil, err
	}
	o.r = r
	go o.read()
	return w, nil
}

// begin says which function is called now.
func (o *output) begin(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.name = name
	o.call++
}

func (o *output) running() (string, int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.name, o.call
}

func (o *output) read() {
	defer close(o.done)
	r := bufio.NewReaderSize(o.r, 16<<10)
	call, shown, more, begun := 0, 0, 0, false
	name, _ := o.running()
	tell := func() {
		if more > 0 {
			fmt.Fprintf(o.to, "%s: … %d more bytes\n", name, more)
		}
		more = 0
	}
	for {
		part, err := r.ReadSlice('\n')
		if len(part) > 0 {
			if n, c := o.running(); c != call {
				tell()
				name, call, shown = n, c, 0
			}
			whole := part[len(part)-1] == '\n'
			if shown+len(part) > mostPrinted {
				more += len(part)
			} else {
				if !begun {
					fmt.Fprintf(o.to, "%s: ", name)
				}
				fmt.Fprintf(o.to, "%s", part)
				shown += len(part)
			}
			begun = !whole && more == 0
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if begun {
				fmt.Fprintln(o.to)
			}
			tell()
			return
		}
	}
}

// end waits for what is left, which is there once the process is gone; processes that it left behind may hold the pipe.
func (o *output) end() {
	if o.r == nil {
		return
	}
	o.r.SetReadDeadline(soon())
	<-o.done
	_ = o.r.Close()
}
