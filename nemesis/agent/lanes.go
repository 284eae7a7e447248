package agent

import "context"

// A lane lets requests through one at a time, in the order in which they took
// their place in it. The zero lane is empty. Only one goroutine may call
// enter, which is what makes the order that of the requests' arrival.
type lane struct {
	last chan struct{} // closed when the last one in the lane has left it
}

// enter takes a place in the lane.
func (l *lane) enter() place {
	p := place{before: l.last, left: make(chan struct{})}
	l.last = p.left
	return p
}

type place struct {
	before <-chan struct{} // nil: nobody was there
	left   chan struct{}
}

// turn waits until everybody before has left.
func (p place) turn(ctx context.Context) error {
	if p.before == nil {
		return nil
	}
	select {
	case <-p.before:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave gives the place up. If its turn has not come yet, the ones behind
// still wait for the ones before.
func (p place) leave() {
	if p.before == nil {
		close(p.left)
		return
	}
	select {
	case <-p.before:
		close(p.left)
	default:
		go func() {
			<-p.before
			close(p.left)
		}()
	}
}
