package runner

import (
	"sync"

	"github.com/shakedown-dev/shakedown/history"
)

// watchBacklog is how many events may wait for the watcher. It judges a million
// events a second; when it falls behind by so many, whoever writes the next
// event waits for it.
const watchBacklog = 1 << 14

// A watch shows events to a watcher while the run goes on. Events are written
// by many goroutines, so that they may come here in another order than that of
// the history; the watcher sees them in order.
type watch struct {
	events chan history.Op
	done   sync.WaitGroup
}

// newWatch lets look see events until close, and calls stop at most once: with
// what look says first.
func newWatch(look func(history.Op) string, stop func(why string)) *watch {
	w := &watch{events: make(chan history.Op, watchBacklog)}
	w.done.Go(func() {
		next, early := 0, map[int]history.Op{}
		said := false
		for op := range w.events {
			early[op.Index] = op
			for ; ; next++ {
				op, ok := early[next]
				if !ok {
					break
				}
				delete(early, next)
				if why := look(op); why != "" && !said {
					said = true
					stop(why)
				}
			}
		}
	})
	return w
}

// see takes in an event. It must not be called after close.
func (w *watch) see(op history.Op) { w.events <- op }

// close waits until everything was seen.
func (w *watch) close() {
	close(w.events)
	w.done.Wait()
}
