package txn

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
)

// shownFindings is how many anomalies the result itself tells of; the page has
// more.
const shownFindings = 3

// A told is an anomaly with who found it.
type told struct {
	anomaly string
	part    *inference
	class   *class
	// rules are the weakest models that it rules out.
	rules []string
}

// anomalies returns all that was found, those first that rule out most. What
// several inferences found is told once, by the one that assumes least.
func (j *judgement) anomalies() []told {
	var list []told
	met := set{}
	for _, part := range j.parts {
		for _, name := range part.found.names() {
			if !met[name] {
				met[name] = true
				out := j.lattice.ruledOut(name, part.assuming)
				list = append(list, told{name, part, part.found[name], j.lattice.weakest(out)})
			}
		}
	}
	weight := func(t told) int { return len(j.lattice.ruledOut(t.anomaly, t.part.assuming)) }
	slices.SortStableFunc(list, func(a, b told) int { return weight(b) - weight(a) })
	return list
}

// tell adds the anomalies to the result, with evidence and pages. What does not
// rule out the level that was asked for is only on the pages.
func (j *judgement) tell(r *checkers.Result) {
	list := j.anomalies()
	said, more := 0, 0
	for _, t := range list {
		r.Counts["anomaly "+t.anomaly] = int64(t.class.count)
		for n, example := range t.class.shown {
			for i, steps := range example.cycles() {
				name := fmt.Sprintf("%s-%d.svg", t.anomaly, n+1)
				if len(example.cases) > 0 {
					name = fmt.Sprintf("%s-%d-case-%d.svg", t.anomaly, n+1, i+1)
				}
				r.Pages = append(r.Pages, drawing(name, t, finding{steps: steps}))
			}
		}
		if !j.lattice.ruledOut(t.anomaly, t.part.assuming)[j.level] {
			continue
		}
		found := t.class.shown[0]
		r.Evidence = append(r.Evidence, t.part.db.events(slices.Concat(found.txns, t.part.witnesses(found)))...)
		if said++; said > shownFindings {
			more++
			continue
		}
		r.Says = append(r.Says, j.headline(t))
		r.Says = append(r.Says, t.part.sentences(found)...)
		r.Findings = append(r.Findings, j.finding(t, found))
	}
	if more > 0 {
		r.Says = append(r.Says, fmt.Sprintf("More was found (%d): see anomalies.txt.", more))
	}
	slices.Sort(r.Evidence)
	r.Evidence = slices.Compact(r.Evidence)
	if len(list) > 0 {
		r.Pages = append(r.Pages, checkers.Page{Name: "anomalies.txt", Write: func(w io.Writer) error { return j.write(w, list) }})
	}
}

// finding is the example as a page draws it.
func (j *judgement) finding(t told, f finding) checkers.Finding {
	n := t.part
	out := checkers.Finding{Kind: t.anomaly, Says: append([]string{j.headline(t)}, n.sentences(f)...)}
	out.Events = n.db.events(slices.Concat(f.txns, n.witnesses(f)))
	slices.Sort(out.Events)
	out.Events = slices.Compact(out.Events)
	story := newStory(n, f.steps)
	for _, st := range f.steps {
		out.Cycle = append(out.Cycle, story.edge(st))
	}
	return out
}

func (j *judgement) headline(t told) string {
	says := fmt.Sprintf("%s, %s", t.anomaly, times(t.class.count))
	for i, m := range t.rules {
		if i == 0 {
			says += ": rules out " + m
		} else {
			says += " and " + m
		}
	}
	if len(t.part.assuming) > 0 && !slices.Equal(t.part.assuming, t.rules) {
		says += fmt.Sprintf(" (by what %s promises)", strings.Join(t.part.assuming, " or "))
	}
	if steps := t.class.shown[0].steps; len(steps) > 0 {
		says += ": " + newStory(t.part, steps).loop(steps)
	}
	return says + "."
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// sentences tells a finding.
func (n *inference) sentences(f finding) []string {
	if len(f.steps) == 0 {
		return f.says
	}
	return newStory(n, f.steps).tell(f.steps)
}

// write writes all anomalies with all their examples.
func (j *judgement) write(w io.Writer, list []told) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "Ruled out: %s.\n", strings.Join(slices.Sorted(maps.Keys(j.out)), ", "))
	if len(j.proved) > 0 {
		fmt.Fprintf(out, "Proved: %s.\n", strings.Join(slices.Sorted(maps.Keys(j.proved)), ", "))
	}
	fmt.Fprintln(out)
	for _, t := range list {
		fmt.Fprintln(out, j.headline(t))
		for i, example := range t.class.shown {
			fmt.Fprintf(out, "\n  Example %d\n", i+1)
			for _, line := range t.part.sentences(example) {
				fmt.Fprintf(out, "  - %s\n", line)
			}
		}
		fmt.Fprintln(out)
	}
	if len(j.out) > 0 {
		fmt.Fprintln(out, j.notHeld())
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write anomalies: %w", err)
	}
	return nil
}
