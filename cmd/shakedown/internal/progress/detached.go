package progress

import (
	"fmt"
	"sync"

	"github.com/shakedown-dev/shakedown/runner"
)

// maxBehind is how many events may wait to be shown. More than that come only
// while a terminal is stopped.
const maxBehind = 4096

// A Detached hands on to another watcher what it is told, and never makes the
// teller wait: a terminal that somebody has stopped must not keep a fault from
// being healed. What is too much to be kept is lost, and counted.
type Detached struct {
	to   Watcher
	done chan struct{}

	mu    sync.Mutex
	queue chan func() // nil before Begin and after End
	lost  int
}

// NewDetached hands on to the given watcher.
func NewDetached(to Watcher) *Detached { return &Detached{to: to} }

// Begin waits, since nothing has happened yet.
func (d *Detached) Begin(r Run) {
	d.to.Begin(r)
	queue, done := make(chan func(), maxBehind), make(chan struct{})
	d.mu.Lock()
	d.queue, d.done = queue, done
	d.mu.Unlock()
	go func() {
		defer close(done)
		for tell := range queue {
			tell()
		}
	}()
}

// Event hands on an event.
func (d *Detached) Event(e runner.Event) { d.tell(func() { d.to.Event(e) }) }

// Reading hands on a reading.
func (d *Detached) Reading(r runner.Reading) { d.tell(func() { d.to.Reading(r) }) }

func (d *Detached) tell(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.queue == nil {
		return
	}
	select {
	case d.queue <- f:
	default:
		d.lost++
	}
}

// End waits until all is shown, and says how much was lost.
func (d *Detached) End(e Ending) {
	d.mu.Lock()
	close(d.queue)
	d.queue = nil
	n := d.lost
	d.lost = 0
	d.mu.Unlock()
	<-d.done
	if n > 0 {
		d.to.Event(runner.Event{Kind: "warn", Text: fmt.Sprintf("%d events could not be shown in time; they are in the history", n)})
	}
	d.to.End(e)
}
