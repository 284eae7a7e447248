package scenarios

import (
	"fmt"
	"time"
)

// A When is the time of a fault: when it comes, how often, and for how long.
type When struct {
	// At is when, from the beginning of the phase; Every repeats from there
	// on (first at Every, when At is not given) as long as For fits into the
	// phase. One of them must be given.
	At    *time.Duration `json:"at_ns,omitempty"`
	Every time.Duration  `json:"every_ns,omitempty"`
	// Trigger, if not nil, is what must happen first, from that moment on. A
	// fault with a trigger and neither At nor Every waits from the beginning
	// of the phase.
	Trigger *Trigger `json:"trigger,omitempty"`
	// For is how long until the heal.
	For time.Duration `json:"for_ns"`
}

// whenOptions are the fields of a fault that say when.
func whenOptions() []string { return []string{"at", "every", "after", "when", "for"} }

func readWhen(s section, w *When) {
	if v, ok := s.fields["at"]; ok {
		if at, good := v.duration(0, maxPhase); good {
			w.At = &at
		}
	}
	s.duration("every", &w.Every, minTime, maxPhase)
	if s.need("for", "say when to heal, as in for: 5s") {
		s.duration("for", &w.For, minTime, maxPhase)
	}
	readTrigger(s, w)
	if s.value.isMapping() && !s.has("at") && !s.has("every") && !s.has("after") && !s.has("when") {
		s.report("nothing says when", "add at: 10s for once, or every: 15s for again and again")
	}
	if w.Trigger != nil && w.At == nil && w.Every == 0 {
		w.At = new(time.Duration)
	}
}

// First is when it comes first, from the beginning of the phase.
func (w When) First() time.Duration {
	if w.At != nil {
		return *w.At
	}
	return w.Every
}

// comes is how often it comes in a phase, if that can be told.
func (w When) comes(phase time.Duration) int {
	if w.For <= 0 || w.First()+w.For > phase {
		return 0
	}
	if w.Every <= 0 {
		return 1
	}
	return int((phase-w.For-w.First())/w.Every) + 1
}

// checkWhen reports times that cannot be kept: a fault is healed before its
// phase ends and before it comes again.
func checkWhen(s section, w When, phase time.Duration) {
	if w.For == 0 || s.has("at") && w.At == nil || s.has("every") && w.Every == 0 || w.At == nil && w.Every == 0 {
		return // reported
	}
	if w.Every > 0 && w.For > w.Every {
		s.at("for").reportf("make every longer, or for shorter", "it lasts %s and comes every %s", short(w.For), short(w.Every))
		return
	}
	key := "every"
	switch {
	case s.has("at"):
		key = "at"
	case w.At != nil: // the trigger's
		key = "for"
	}
	if phase == 0 {
		return // reported
	}
	if w.First()+w.For > phase {
		s.at(key).reportf("shorten it, or make the phase longer",
			"it begins at %s and lasts %s, which is past the end of its phase at %s", short(w.First()), short(w.For), short(phase))
		return
	}
	if n := w.comes(phase); n > maxInjections {
		s.at("every").reportf(fmt.Sprintf("at most %d", maxInjections), "it would come %d times", n)
	}
}
