package invariant

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// result is the verdict on what was seen. A violation outranks all that went
// wrong; and nothing but a full, undisturbed and exercised evaluation is valid.
func (j *judge) result(h *history.History) checkers.Result {
	r := checkers.Result{Check: j.rule.name, Counts: map[string]int64{"evaluated": j.evaluated}, Pages: j.pages(), Rule: j.about()}
	for name, n := range j.extra {
		r.Counts[name] = n
	}
	if j.troubles > 0 {
		r.Counts["script_errors"] = j.troubles
	}
	if j.first != nil {
		r.Verdict = checkers.Violation
		r.Counts["broken"] = j.broken
		r.Says = j.violation(h)
		r.Evidence = j.first.Evidence
		return r
	}
	if says := j.unknown(h); len(says) > 0 {
		r.Says = says
		return r
	}
	r.Verdict = checkers.Valid
	r.Says = []string{fmt.Sprintf("%s It was judged %s, and held.", j.promise(), times(j.evaluated))}
	return r
}

// about is what a page shows of the rule.
func (j *judge) about() *checkers.Rule {
	a := &checkers.Rule{Says: sentence(j.rule.says), Origin: j.rule.origin, Evaluated: j.evaluated, Broken: j.broken, Event: -1}
	if j.first != nil {
		a.At, a.Event = j.first.At, j.first.Event
	}
	return a
}

// promise is the rule in its author's words, as a sentence.
func (j *judge) promise() string {
	if j.rule.says == "" {
		return fmt.Sprintf("The rule %q.", j.rule.name)
	}
	return sentence(j.rule.says)
}

// times says how often: "once", "17 times".
func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func (j *judge) violation(h *history.History) []string {
	head := "Broken: " + j.promise()
	if j.rule.origin != "" {
		head += fmt.Sprintf(" (It comes from: %s.)", strings.TrimSuffix(j.rule.origin, "."))
	}
	says := append([]string{head}, j.first.Says...)
	says = append(says, j.proof...)
	if s := faultsAt(h, j.first.At); s != "" {
		says = append(says, s)
	}
	if j.broken > 1 {
		says = append(says, fmt.Sprintf("It was judged %s and broken %d times; this is the first.", times(j.evaluated), j.broken))
	}
	return says
}

// faultsAt says what was done to the cluster at that moment.
func faultsAt(h *history.History, at time.Duration) string {
	if h == nil {
		return ""
	}
	var words []string
	for _, f := range h.Faults() {
		if !f.Covers(at, at) {
			continue
		}
		s := f.Fault
		if len(f.Nodes) > 0 {
			s += " of " + strings.Join(f.Nodes, " ")
		}
		words = append(words, fmt.Sprintf("%s since %s (%s)", s, say.Moment(f.Inject), f.ID))
	}
	if len(words) == 0 {
		return ""
	}
	return "In force at that moment: " + strings.Join(words, ", ") + "."
}

// unknown says why there is no verdict; nothing if there is one.
func (j *judge) unknown(h *history.History) []string {
	switch {
	case j.machine.ctx.Err() != nil || errors.Is(j.trouble, errTime):
		return []string{fmt.Sprintf("Its time was up after %d of %s.", j.seen, say.Number(len(h.Ops), "event"))}
	case j.trouble != nil:
		return j.sayTrouble()
	case j.unsure != "":
		return []string{"It cannot be judged: " + ending(j.unsure)}
	case j.evaluated == 0:
		return []string{fmt.Sprintf("It was never exercised: %s.", j.missing())}
	}
	for i, met := range j.met {
		if !met {
			return []string{fmt.Sprintf("It was never exercised: there was no %s.", j.rule.needs[i].name)}
		}
	}
	return nil
}

// missing says what would have exercised the rule.
func (j *judge) missing() string {
	if m, ok := j.body.(interface{ missing() string }); ok {
		return m.missing()
	}
	return "there was no " + j.rule.subject()
}

func (j *judge) sayTrouble() []string {
	says := []string{"The script has an error, so nothing was shown: " + j.trouble.Error() + "."}
	if j.inHand != nil {
		says = append(says, "In hand was: "+ending(j.inHand.describe()))
	}
	if j.troubles > 1 {
		says = append(says, fmt.Sprintf("It was judged %s, with %s.", times(j.evaluated), say.Number(j.troubles, "error")))
	}
	return says
}

// pages is what the script printed.
func (j *judge) pages() []checkers.Page {
	text := j.machine.printed.String()
	if text == "" {
		return nil
	}
	return []checkers.Page{{Name: "print-" + fileName(j.rule.name) + ".txt", Write: func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}}}
}

// fileName makes a name fit to be part of a file's name everywhere.
func fileName(name string) string {
	return say.Cut(strings.Map(func(r rune) rune {
		if r < 128 && (r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return r
		}
		return '_'
	}, name), 60)
}
