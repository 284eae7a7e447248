package agent

import "time"

// firstWord is how long an agent waits for the first line. One whose
// orchestrator was killed between its start and its hello may have an input
// that nobody will ever close.
const firstWord = time.Minute

// A lease is how long a silence may last before it is taken for the death of
// the orchestrator: [firstWord] to begin with, and once something was heard
// what the hello asked for, or for ever. One goroutine uses it.
type lease struct {
	length time.Duration
	timer  *time.Timer
}

func newLease() lease { return lease{firstWord, time.NewTimer(firstWord)} }

// heard begins the lease anew after a line, with the length that a hello brings.
func (l *lease) heard(r Request) {
	switch {
	case r.Do == Hello && r.Lease > 0:
		l.length = r.Lease
	case l.length == firstWord:
		l.length = 0
	}
	if l.timer.Stop(); l.length > 0 {
		l.timer.Reset(l.length)
	}
}
