package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers/invariant"
	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A lookout evaluates the rules of a scenario while it runs.
type lookout struct {
	watched []invariant.Online
	// later are the rules that can only be judged when the run is over.
	later []string
}

// newLookout begins to watch, until ctx is done. It is nil if the scenario does
// not want to be stopped.
func newLookout(ctx context.Context, s *scenarios.Scenario) (*lookout, error) {
	if s.Stop == "" {
		return nil, nil
	}
	l := &lookout{}
	for _, n := range s.Never {
		checker, err := invariant.FromEntry(entryOf(n))
		if err != nil {
			return nil, usage(fmt.Errorf("rule %s: %w", n.Name, err), "")
		}
		rule, isRule := checker.(*invariant.Rule)
		if isRule {
			if online, can := rule.Watch(ctx); can {
				l.watched = append(l.watched, online)
				continue
			}
		}
		l.later = append(l.later, n.Name)
	}
	return l, nil
}

// look takes in an event and says which rule it broke; "" if none. The check
// after the run tells the whole story.
func (l *lookout) look(op history.Op) string {
	for _, w := range l.watched {
		if b := w.Observe(op); b != nil {
			return fmt.Sprintf("the rule %s was broken at %.3fs: %s", b.Rule, b.At.Seconds(), strings.Join(b.Says, " "))
		}
	}
	return ""
}

// close ends the watching.
func (l *lookout) close() {
	for _, w := range l.watched {
		w.Close()
	}
}
