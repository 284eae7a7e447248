package runner

import (
	"errors"

	"github.com/shakedown-dev/shakedown/nemesis"
)

// guard is f for a goroutine of the run. A panic in it is a bug of ours: it ends
// the storm, and the run heals, takes down and returns it.
func (r *run) guard(f func()) func() {
	return func() {
		r.bug(nemesis.Guarded(func() error {
			f()
			return nil
		}))
	}
}

// bug keeps a panic that an error holds, if it holds one.
func (r *run) bug(err error) {
	var p *nemesis.PanicError
	if !errors.As(err, &p) {
		return
	}
	r.mu.Lock()
	r.panicked = errors.Join(r.panicked, p)
	r.mu.Unlock()
	r.say("stop", "%v: the run ends", p)
	r.rec.end(p)
}

// bugs are the panics that were caught.
func (r *run) bugs() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.panicked
}
