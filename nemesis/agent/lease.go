package agent

import "time"

// A lease is how long a silence may last before it is taken for the death of
// the orchestrator. The zero lease never ends. One goroutine uses it.
type lease struct {
	length time.Duration
	timer  *time.Timer
}

// agree takes over the lease that a hello brings.
func (l *lease) agree(r Request) {
	if r.Do != Hello || r.Lease <= 0 {
		return
	}
	l.length = r.Lease
	if l.timer == nil {
		l.timer = time.NewTimer(r.Lease)
	}
}

// heard begins the lease anew.
func (l *lease) heard() {
	if l.timer != nil {
		l.timer.Reset(l.length)
	}
}

// over is readable once the lease has ended.
func (l *lease) over() <-chan time.Time {
	if l.timer == nil {
		return nil
	}
	return l.timer.C
}
