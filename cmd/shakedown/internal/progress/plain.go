package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/shakedown-dev/shakedown/runner"
)

// A Plain prints what happens, one line an event: its time, its kind, and what
// it is. Scripts may rely on the form.
type Plain struct {
	w      io.Writer
	colour bool
	mu     sync.Mutex
}

// NewPlain prints to w; the kinds are coloured if colour is set.
func NewPlain(w io.Writer, colour bool) *Plain { return &Plain{w: w, colour: colour} }

// Begin prints which run it is.
func (p *Plain) Begin(r Run) {
	p.Event(runner.Event{Kind: "note", Text: fmt.Sprintf("%s, seed %d, run %s", r.Scenario, r.Seed, r.ID)})
}

// Event prints a line. One that cannot be printed is lost; the run goes on.
func (p *Plain) Event(e runner.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.w, line(e, p.colour)+"\n")
}

// Reading prints nothing: the runner tells its counts as events, too.
func (p *Plain) Reading(runner.Reading) {}

// End prints nothing: how a run ended is the answer, and for standard output.
func (p *Plain) End(Ending) {}

// line is an event on one line. Before the first phase there is no time.
func line(e runner.Event, colour bool) string {
	at := Moment(e.At)
	if e.At == 0 && e.Kind == "note" {
		at = strings.Repeat(" ", len(at))
	}
	return at + " " + paint(fmt.Sprintf("%-5s", e.Kind), colourOf(e.Kind), colour) + " " + oneLine(e.Text)
}

// colourOf is the colour of a kind of event, "" for none.
func colourOf(kind string) string {
	return map[string]string{"fault": magenta, "heal": green, "warn": yellow, "phase": bold}[kind]
}

// Moment is a time of the run as minutes and seconds: 01:20.1.
func Moment(at time.Duration) string {
	tenths := at.Milliseconds() / 100
	return fmt.Sprintf("%02d:%02d.%d", tenths/600, tenths/10%60, tenths%10)
}

// oneLine makes text from elsewhere fit for a line of a terminal: whatever
// could end the line or move the cursor becomes a space.
func oneLine(text string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return strings.TrimSpace(clean)
}
