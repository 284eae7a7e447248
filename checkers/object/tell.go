package object

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/linear"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

const (
	// shownValue is how many characters of a value are quoted.
	shownValue = 60
	// toldActs is how many operations of a witness are told in words.
	toldActs = 8
	// toldKeys is how many keys are named.
	toldKeys = 8
)

// conclude makes one result of all things.
func (c checker) conclude(all []*judgement, faults []history.FaultWindow) checkers.Result {
	t := tally(all)
	r := checkers.Result{Check: c.Name() + " " + c.model.Name, Counts: t.counts()}
	switch {
	case len(t.violated) > 0:
		r.Verdict = checkers.Violation
		c.explain(&r, t, faults)
	case len(all) == 0:
		r.Says = []string{"The history has no operations."}
	case len(t.unjudged) > 0:
		r.Says = []string{t.judged(), t.rest()}
	case t.observations == 0:
		r.Says = []string{fmt.Sprintf("None of %s observed anything, so nothing could have contradicted.", say.Number(t.operations, "operation"))}
	case len(all) == 1:
		r.Verdict = checkers.Valid
		r.Says = []string{fmt.Sprintf("%s is linearizable; %s.", say.Capital(all[0].called(c.model.Name)), t.phrase())}
	default:
		r.Verdict = checkers.Valid
		r.Says = []string{fmt.Sprintf("All %s are linearizable; %s.", say.Number(len(all), "key"), t.phrase())}
	}
	return r
}

// explain tells one violation in full, and names the others.
func (c checker) explain(r *checkers.Result, t tallied, faults []history.FaultWindow) {
	j := slices.MinFunc(t.violated, func(a, b *judgement) int { return len(a.witness) - len(b.witness) })
	c.prove(r, j, faults)
	if others := len(t.violated) - 1; others > 0 {
		var keys []string
		for _, v := range t.violated {
			if v != j {
				keys = append(keys, v.key)
			}
		}
		slices.Sort(keys)
		r.Says = append(r.Says, "Also violated: "+say.Few(keys, toldKeys)+".")
	}
	r.Says = append(r.Says, t.judged())
	if len(t.unjudged) > 0 {
		r.Says = append(r.Says, t.rest())
	}
}

// prove tells of the witness, and puts it into the evidence.
func (c checker) prove(r *checkers.Result, j *judgement, faults []history.FaultWindow) {
	r.Says = append(j.tell(c.model.Name), checkers.FaultSentence(j.blamed(), faults))
	for i := range j.witness {
		o := j.witness[i].op
		r.Evidence = append(r.Evidence, o.Invoke.Index)
		if o.Complete != nil {
			r.Evidence = append(r.Evidence, o.Complete.Index)
		}
	}
	slices.Sort(r.Evidence)
	r.Pages = c.model.pages(j, faults)
}

// called is what sentences call the thing: its key, or if it has none the model.
func (t *thing) called(model string) string {
	if t.key == "" {
		return "the " + model
	}
	return "key " + t.key
}

// tell says what is wrong, then what those involved did.
func (j *judgement) tell(model string) []string {
	says := []string{say.Capital(j.called(model)) + ": " + j.reason + "."}
	var deeds []string
	for i := range j.witness {
		deeds = append(deeds, j.deed(&j.witness[i]))
	}
	if n := len(deeds); n > toldActs {
		deeds = append(deeds[:toldActs], fmt.Sprintf("and %d more", n-toldActs))
	}
	if len(deeds) > 0 {
		says = append(says, say.Capital(strings.Join(deeds, "; "))+".")
	}
	return says
}

// blamed is the operation at whose moment we look for faults: the one whose
// answer completed the contradiction.
func (j *judgement) blamed() history.Operation {
	if len(j.witness) == 0 {
		return j.acts[0].op
	}
	last := &j.witness[0]
	for i := range j.witness {
		if a := &j.witness[i]; last.unknown || !a.unknown && a.lin.Return > last.lin.Return {
			last = a
		}
	}
	return last.op
}

// deed tells what an act did and how that ended.
func (j *judgement) deed(a *act) string {
	o := a.op
	through := ""
	if o.Invoke.Node != "" {
		through = " through " + o.Invoke.Node
	}
	if a.unknown {
		last := o.Invoke
		if o.Complete != nil {
			last = o.Complete
		}
		return fmt.Sprintf("process %d tried %s%s from %s on (#%d, result unknown)",
			o.Invoke.Process, j.asked(a), through, say.Moment(o.Start()), last.Index)
	}
	return fmt.Sprintf("process %d did %s%s between %s (#%d) and %s (#%d)",
		o.Invoke.Process, j.done(a), through, say.Moment(o.Start()), o.Invoke.Index, say.Moment(o.Complete.Time), o.Complete.Index)
}

// asked is what was called: "enqueue 5".
func (j *judgement) asked(a *act) string {
	says := a.f
	if !isNull(a.asked()) {
		says += " " + say.Cut(checkers.Canonical(a.asked()), shownValue)
	}
	return says
}

// done is what was called and what came back: "dequeue → 5".
func (j *judgement) done(a *act) string {
	asked, answer := checkers.Canonical(a.asked()), checkers.Canonical(a.answer())
	switch {
	case answer == null && j.looked(a):
		return j.asked(a) + " → nothing"
	case asked == answer, answer == null:
		return j.asked(a)
	}
	return j.asked(a) + " → " + say.Cut(answer, shownValue)
}

// looked reports whether null is what the act found.
func (j *judgement) looked(a *act) bool {
	switch a.lin.Kind {
	case linear.Empty, linear.Read, linear.Snapshot, linear.Take, linear.Remove, linear.Peek:
		return true
	}
	return false
}
