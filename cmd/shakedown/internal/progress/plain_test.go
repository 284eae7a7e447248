package progress

import (
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/runner"
)

// Without this the lines that people and CI logs rely on could change their form.
func TestPlain(t *testing.T) {
	for _, test := range []struct {
		event  runner.Event
		colour bool
		want   string
	}{
		{runner.Event{Kind: "note", Text: "starting 5 nodes"}, false, "        note  starting 5 nodes\n"},
		{runner.Event{Kind: "phase", Text: "calm"}, false, "00:00.0 phase calm\n"},
		{runner.Event{At: 80*time.Second + 190*time.Millisecond, Kind: "fault", Text: "pause n3"}, false, "01:20.1 fault pause n3\n"},
		{runner.Event{At: 2 * time.Hour, Kind: "ops", Text: "1 ok"}, false, "120:00.0 ops   1 ok\n"},
		{runner.Event{At: time.Second, Kind: "heal", Text: "x"}, true, "00:01.0 \x1b[32mheal \x1b[0m x\n"},
		{runner.Event{At: time.Second, Kind: "warn", Text: "two\nlines\x1b[2J"}, false, "00:01.0 warn  two lines [2J\n"},
	} {
		var b strings.Builder
		p := NewPlain(&b, test.colour)
		p.Event(test.event)
		if b.String() != test.want {
			t.Errorf("printed %q, want %q", b.String(), test.want)
		}
	}
}
