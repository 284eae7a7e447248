package runner

import (
	"slices"
	"sync"

	"github.com/shakedown-dev/shakedown/history"
)

// flights tell those who wait for it that an operation has been invoked.
type flights struct {
	mu      sync.Mutex
	waiting []*flightWait
}

// A flightWait waits for an operation by name and, unless it is empty, node.
type flightWait struct {
	f, node string
	seen    chan history.Op // with room for one
}

// wait is told of the next operation that fits, until leave is called.
func (f *flights) wait(name, node string) (seen <-chan history.Op, leave func()) {
	w := &flightWait{f: name, node: node, seen: make(chan history.Op, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, w)
	return w.seen, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.waiting = slices.DeleteFunc(f.waiting, func(o *flightWait) bool { return o == w })
	}
}

// invoked tells of an operation that is about to be sent.
func (f *flights) invoked(op history.Op) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.waiting {
		if w.f == op.F && (w.node == "" || w.node == op.Node) {
			select {
			case w.seen <- op:
			default: // it has one already
			}
		}
	}
}
