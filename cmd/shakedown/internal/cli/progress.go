package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/runner"
)

// A progress prints what happens in a run, one line an event. It may be used
// by several goroutines.
type progress struct {
	mu     sync.Mutex
	w      io.Writer
	colour bool
}

// event prints one event of the runner: its time, its kind, what happened.
// Before the first phase there is no time to print.
func (p *progress) event(e runner.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := clock(e.At)
	if e.At == 0 && e.Kind == "note" {
		at = strings.Repeat(" ", len(at))
	}
	// A line that cannot be printed is lost; the run goes on.
	_, _ = fmt.Fprintf(p.w, "%s %s %s\n", at, p.paint(fmt.Sprintf("%-5s", e.Kind), e.Kind), oneLine(e.Text))
}

// paint colours the kind of an event; the word itself stays.
func (p *progress) paint(word, kind string) string {
	codes := map[string]string{"fault": "35", "heal": "32", "warn": "33", "phase": "1"}
	if code, ok := codes[kind]; ok && p.colour {
		return "\x1b[" + code + "m" + word + "\x1b[0m"
	}
	return word
}

// clock is a moment of the run as minutes and seconds: 01:20.1.
func clock(at time.Duration) string {
	tenths := at.Milliseconds() / 100
	return fmt.Sprintf("%02d:%02d.%d", tenths/600, tenths/10%60, tenths%10)
}

// newProgress prints on standard error, or nowhere when quiet.
func newProgress(env Env, quiet bool) *progress {
	p := &progress{w: env.Stderr, colour: env.colour(env.Stderr)}
	if quiet {
		p.w = io.Discard
	}
	return p
}
