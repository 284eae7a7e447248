package runner

import (
	"encoding/json"
	"testing"

	"github.com/shakedown-dev/shakedown/history"
)

// Only who was given a lock writes under it, with its token, and gives it back.
func TestHold(t *testing.T) {
	op := func(f, key, value string) history.Op {
		return history.Op{F: f, Key: key, Value: json.RawMessage(value)}
	}
	done := func(o history.Op, how history.Type, value string) history.Op {
		o.Type, o.Value = how, json.RawMessage(value)
		return o
	}
	acquire := op("acquire", "k1", "1")
	for name, c := range map[string]struct {
		before []history.Op
		next   history.Op
		want   string // "" if it makes no sense
	}{
		"acquire":                   {nil, acquire, "1"},
		"write without a lock":      {nil, op("write", "k1", ""), ""},
		"write under the token":     {[]history.Op{done(acquire, history.OK, "17")}, op("write", "k1", ""), "17"},
		"write of another lock":     {[]history.Op{done(acquire, history.OK, "17")}, op("write", "k2", ""), ""},
		"release":                   {[]history.Op{done(acquire, history.OK, "17")}, op("release", "k1", "1"), "1"},
		"release of what was taken": {[]history.Op{done(acquire, history.Fail, "1")}, op("release", "k1", "1"), ""},
		"release of nobody knows":   {[]history.Op{done(acquire, history.Info, "1")}, op("release", "k1", "1"), ""},
		"release twice": {[]history.Op{done(acquire, history.OK, "17"), done(op("release", "k1", "1"), history.OK, "1")},
			op("release", "k1", "1"), ""},
		"write after a write": {[]history.Op{done(acquire, history.OK, "17"), done(op("write", "k1", "17"), history.Fail, "17")},
			op("write", "k1", ""), "17"},
	} {
		var h hold
		for _, o := range c.before {
			h.note(o)
		}
		got, sensible := h.guard(c.next)
		if sensible != (c.want != "") || sensible && string(got.Value) != c.want {
			t.Errorf("%s: %v %s, want %q", name, sensible, got.Value, c.want)
		}
	}
}
