package checkers

import (
	"context"
	"fmt"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// earned decides whether the run was a test at all, so that a run in which
// nothing happened is not taken for a good one.
//
// It asks that the history is whole, that enough operations were ok, that
// every planned fault was seen to bite (if wanted) and that all planned final
// reads came. Each thing missing is a sentence, and the verdict Unknown: what
// was not tried says nothing about the system. It is never a violation.
type earned struct {
	okAtLeast  int
	everyFault bool
}

// Name returns "earned".
func (earned) Name() string { return "earned" }

// Check takes one pass over the history and does not look at ctx.
func (e earned) Check(_ context.Context, h *history.History) Result {
	plan, announced := h.Announcement()
	ok, final := successes(h)
	wanted := finalReads(h, plan)
	missing := e.incomplete(h, announced)
	if ok < e.okAtLeast {
		missing = append(missing, fmt.Sprintf("Only %d of the at least %d operations wanted were ok.", ok, e.okAtLeast))
	}
	if final < wanted {
		missing = append(missing, fmt.Sprintf("Only %d of %d final reads were ok, so acknowledged writes may be lost without anybody seeing it.", final, wanted))
	}
	unhurt := idleFaults(plan.Faults, h.Faults())
	if e.everyFault {
		missing = append(missing, unhurtSentences(unhurt, len(plan.Faults))...)
	}
	r := Result{Check: e.Name(), Verdict: Unknown, Says: missing, Counts: map[string]int64{
		"ok": int64(ok), "final_reads": int64(final), "final_reads_wanted": int64(wanted),
		"faults_planned": int64(len(plan.Faults)), "faults_took_hold": int64(len(plan.Faults) - len(unhurt)),
	}}
	if len(missing) == 0 {
		r.Verdict = Valid
		r.Says = []string{fmt.Sprintf("The run got to its end: %s, %d of %s seen in force, %d of %s.",
			say.Number(ok, "operation")+" ok", len(plan.Faults)-len(unhurt), say.Number(len(plan.Faults), "planned fault"),
			final, say.Number(wanted, "final read"))}
	}
	return r
}

// incomplete says what of the history itself is missing.
func (e earned) incomplete(h *history.History, announced bool) []string {
	var missing []string
	if h.Truncated {
		missing = append(missing, "The history's last line is cut short: it was being written when the run stopped.")
	}
	if !h.Ended() {
		missing = append(missing, "The run did not get to its end: the history has no phase \"end\".")
	}
	if !announced {
		missing = append(missing, "The history does not announce its plan, so nobody can tell whether everything planned was done.")
	}
	return missing
}

// successes counts ok operations, and the different final operations, by what
// they ask through which node, that were ok: one repeated does not stand in for
// another.
func successes(h *history.History) (ok, final int) {
	type place struct{ f, key, value, node string }
	read := make(map[place]bool)
	for _, o := range h.Operations() {
		if o.Type() != history.OK {
			continue
		}
		ok++
		if o.Invoke.Final {
			read[place{o.Invoke.F, o.Invoke.Key, string(o.Invoke.Value), o.Invoke.Node}] = true
		}
	}
	return ok, len(read)
}

// finalReads is how many final operations must be ok, if the plan holds any:
// what the run said when it began with them, or else one for each key that a
// client got to, through each node. The plan itself may name keys that nobody
// got to.
func finalReads(h *history.History, plan history.Announcement) int {
	if plan.FinalReads == 0 {
		return 0
	}
	if wanted := h.FinalWanted(); wanted > 0 {
		return wanted
	}
	keys := make(map[string]bool)
	for _, o := range h.Operations() {
		keys[o.Invoke.Key] = true
	}
	return len(keys) * len(plan.Nodes)
}

// An idleFault is a planned fault that was not seen in force, and why.
type idleFault struct{ id, why string }

func idleFaults(planned []string, happened []history.FaultWindow) []idleFault {
	byID := make(map[string]history.FaultWindow)
	for _, f := range happened {
		byID[f.ID] = f
	}
	var idle []idleFault
	for _, id := range planned {
		f, tried := byID[id]
		switch {
		case !tried:
			idle = append(idle, idleFault{id, "it was never injected"})
		case f.TookHold():
		case f.Error != "":
			idle = append(idle, idleFault{id, f.Error})
		default:
			idle = append(idle, idleFault{id, "it was injected at " + say.Moment(f.Inject) + " but never seen in force"})
		}
	}
	return idle
}

// unhurtSentences names the first few faults each with its reason.
func unhurtSentences(idle []idleFault, planned int) []string {
	const named = 3
	var says []string
	for i, f := range idle {
		if i == named {
			rest := make([]string, 0, len(idle)-named)
			for _, f := range idle[named:] {
				rest = append(rest, f.id)
			}
			return append(says, fmt.Sprintf("In all %d of %d planned faults did not take hold; the others: %s.", len(idle), planned, say.Few(rest, 12)))
		}
		says = append(says, fmt.Sprintf("Fault %s did not take hold: %s.", f.id, f.why))
	}
	return says
}
