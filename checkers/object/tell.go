package object

import (
	"cmp"
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
	// toldViolations is how many violations are told and proven.
	toldViolations = 3
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

// explain tells of the violations that take the fewest operations to show, each
// with its own proof, and names the others.
func (c checker) explain(r *checkers.Result, t tallied, faults []history.FaultWindow) {
	slices.SortStableFunc(t.violated, func(a, b *judgement) int { return cmp.Compare(len(a.witness), len(b.witness)) })
	for i, j := range t.violated[:min(toldViolations, len(t.violated))] {
		if i == 0 {
			c.show(r, j, faults)
		} else {
			c.prove(r, j)
		}
	}
	slices.Sort(r.Evidence)
	var keys []string
	for _, v := range t.violated[min(toldViolations, len(t.violated)):] {
		keys = append(keys, v.key)
	}
	if len(keys) > 0 {
		slices.Sort(keys)
		r.Says = append(r.Says, "Also violated: "+say.Few(keys, toldKeys)+".")
	}
	r.Says = append(r.Says, t.judged())
	if len(t.unjudged) > 0 {
		r.Says = append(r.Says, t.rest())
	}
}

// show is prove, with the faults that were in force and the files that go with it.
func (c checker) show(r *checkers.Result, j *judgement, faults []history.FaultWindow) {
	c.prove(r, j)
	r.Says = append(r.Says, checkers.FaultSentence(j.blamed(), faults))
	r.Pages = c.model.pages(j, faults)
}

// prove tells of the witness, and puts it into the evidence.
func (c checker) prove(r *checkers.Result, j *judgement) {
	found := checkers.Finding{Kind: c.model.Name, Says: j.tell(c.model.Name)}
	for i := range j.witness {
		o := j.witness[i].op
		found.Events = append(found.Events, o.Invoke.Index)
		if o.Complete != nil {
			found.Events = append(found.Events, o.Complete.Index)
		}
	}
	slices.Sort(found.Events)
	r.Says = append(r.Says, found.Says...)
	r.Evidence = append(r.Evidence, found.Events...)
	r.Findings = append(r.Findings, found)
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
