package report

import "github.com/shakedown-dev/shakedown/checkers"

// A ruleBox is what a user's own check says of itself: the sentence that must
// hold, where it comes from, and the moment at which it did not.
type ruleBox struct {
	Check, Says, Origin string
	Evaluated, Broken   string
	// When is the moment, and Event the event to go to, or -1.
	When  string
	Event int
	// Never says that there was nothing that it could have judged.
	Never bool
}

func (f *facts) newRuleBox(r *checkers.Rule) *ruleBox {
	if r == nil {
		return nil
	}
	b := &ruleBox{Says: r.Says, Origin: r.Origin, Evaluated: grouped(int(r.Evaluated)), Broken: grouped(int(r.Broken)), Event: -1, Never: r.Evaluated == 0}
	if r.Broken > 0 && r.At > 0 {
		b.When = seconds(r.At)
	}
	if r.Broken > 0 && r.Event >= 0 && f.run.History != nil && r.Event < len(f.run.History.Ops) {
		b.Event, b.When = r.Event, seconds(f.run.History.Ops[r.Event].Time)
	}
	if !f.hasTimes {
		b.When = ""
	}
	return b
}

// ruleBoxes are all rules of the run, those that were broken or never
// exercised first: the page shows them where it tells how good the test was.
func (f *facts) ruleBoxes() []ruleBox {
	var out []ruleBox
	for _, c := range f.run.Sorted() {
		if b := f.newRuleBox(c.Rule); b != nil {
			b.Check = c.Check
			out = append(out, *b)
		}
	}
	return out
}
