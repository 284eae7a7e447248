package txn

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// A judgement is what a history comes to: which levels cannot hold, and which
// must.
type judgement struct {
	lattice *lattice
	level   string
	out     set
	proved  set
	// parts are the inferences with what each found.
	parts []*inference
	// gaps tell why a level that is not ruled out is not proved either.
	gaps   []string
	counts map[string]int64
	// timeless says that nothing is known of the order between sessions.
	timeless bool
	// blank says that no transaction depends on another: then nothing is proved,
	// however true, for nothing was tried.
	blank bool
	// notes are remarks for whoever reads the result.
	notes []string
	// proof tells how the strongest proved level was proved.
	proof string
	// patient and brief bound searches: for what was asked, and for the rest.
	patient, brief budget
}

func newJudgement(l *lattice, level string, d *db) *judgement {
	return &judgement{lattice: l, level: level, out: set{}, proved: set{}, counts: d.counts(), patient: patient(), brief: brief()}
}

// Check implements [checkers.Checker].
func (c *checker) Check(ctx context.Context, h *history.History) checkers.Result {
	l := c.lattice
	if c.broken != nil {
		return c.unknown(c.broken)
	}
	level, err := l.model(c.options.Level)
	if err != nil {
		return c.unknown(err)
	}
	d, err := load(ctx, h, c.lists)
	if err != nil {
		return c.unknown(err)
	}
	j := newJudgement(l, level, d)
	if !d.evidence() {
		j.gaps = append(j.gaps, "no committed transaction read anything, so there is nothing to judge by")
		return c.result(j, d)
	}
	if c.lists {
		err = j.lists(ctx, d, h)
	} else {
		err = j.registers(ctx, d, h, c.options)
	}
	if err != nil {
		// What was found before the time ran out stands.
		j.gaps = append(j.gaps, err.Error())
		j.proved = set{}
	}
	return c.result(j, d)
}

func (c *checker) unknown(err error) checkers.Result {
	return checkers.Result{Check: c.name, Says: []string{say.Capital(err.Error()) + "."}}
}

// evidence reports whether any committed transaction read anything.
func (d *db) evidence() bool {
	for t := range d.txns {
		if !d.txns[t].committed {
			continue
		}
		for i := range d.of(int32(t)) {
			if m := &d.of(int32(t))[i]; m.kind == read && m.known {
				return true
			}
		}
	}
	return false
}

func (d *db) counts() map[string]int64 {
	counts := map[string]int64{"transactions": int64(len(d.txns)), "keys": int64(len(d.keyNames)), "micro_operations": int64(len(d.mops))}
	for t := range d.txns {
		switch tx := &d.txns[t]; {
		case tx.outcome == history.OK:
			counts["ok"]++
		case tx.outcome == history.Fail:
			counts["fail"]++
		default:
			counts["info"]++
			if tx.committed {
				counts["info_seen"]++
			}
		}
	}
	if d.skipped > 0 {
		counts["skipped"] = int64(d.skipped)
	}
	return counts
}

// lists judges transactions over lists.
func (j *judgement) lists(ctx context.Context, d *db, h *history.History) error {
	n, err := inferLists(ctx, d)
	if n != nil {
		j.take(n)
	}
	if err != nil {
		return err
	}
	j.blank = !n.graph.data()
	n.addTime(h)
	s, err := j.survey(ctx, n)
	if err != nil {
		return err
	}
	j.timeless = h.SessionOnly
	j.prove(ctx, n, s)
	if len(n.gaps) > 0 || len(n.loose) == 0 {
		return nil
	}
	return j.decide(ctx, len(d.txns) <= few, n.asks())
}

// addTime adds the order of real time, or that of the sessions if the history
// knows no other.
func (n *inference) addTime(h *history.History) {
	if h.SessionOnly {
		n.graph.addProcess(n.db)
		return
	}
	n.graph.addRealtime(n.db, len(h.Ops))
	n.timed = true
}

// survey looks for cycles, with the order of processes only if there are any:
// without a cycle in real time there is none in a process either.
func (j *judgement) survey(ctx context.Context, n *inference) (*survey, error) {
	j.take(n)
	n.graph.pack()
	left, err := n.graph.leftover(ctx)
	if err != nil {
		return nil, fmt.Errorf("out of time while looking for a cycle among %d edges", len(n.graph.edges))
	}
	j.counts["edges"] = max(j.counts["edges"], int64(len(n.graph.edges)))
	if len(left) == 0 {
		return &survey{found: findings{}, broken: set{}, singlesKnown: true}, nil
	}
	if n.timed {
		n.graph.addProcess(n.db)
		n.graph.pack()
	}
	s, err := surveyCycles(ctx, j.lattice, n.graph, true)
	if err != nil {
		return nil, fmt.Errorf("out of time %w", err)
	}
	j.counts["components"] = max(j.counts["components"], int64(s.components))
	j.counts["entangled"] = max(j.counts["entangled"], int64(s.entangled))
	for anomaly, c := range s.found {
		n.found[anomaly] = c
	}
	j.take(n)
	return s, nil
}

// take notes which levels the inference rules out.
func (j *judgement) take(n *inference) {
	if !slices.Contains(j.parts, n) {
		j.parts = append(j.parts, n)
	}
	for _, anomaly := range n.found.names() {
		j.out.add(j.lattice.ruledOut(anomaly, n.assuming))
	}
}

// prove notes which levels hold, because the inference would have found
// whatever rules them out.
//
// If no edge leads back, any order that the edges allow is a serial order in
// which every read shows what it showed: all writers of what was read are
// before it, and the writer of the next element after it. So the absence of
// cycles proves serializability, whatever the order of the appends that nobody
// saw. For snapshot isolation their order matters; where there are several to
// one key, one order of them is tried, and proves it if it fits.
func (j *judgement) prove(ctx context.Context, n *inference, s *survey) {
	if len(n.gaps) > 0 {
		j.gaps = append(j.gaps, n.gaps...)
		return
	}
	weak := s
	if len(n.loose) > 0 && len(s.broken) > 0 && j.out[j.level] && len(n.db.txns) > idle {
		weak = nil // what was asked for is answered
	} else if len(n.loose) > 0 && len(s.broken) > 0 {
		var err error
		if weak, err = j.settle(ctx, n); err != nil {
			weak = nil
		}
	}
	strict, loose := j.excluded(s), set(nil)
	if weak != nil {
		loose = j.excluded(weak)
	}
	for _, t := range tests() {
		for _, model := range t.models {
			fits := !strict[model] && !(j.timeless && strings.HasSuffix(t.anomaly, "-realtime"))
			if t.double {
				fits = fits && weak != nil && !loose[model]
			}
			j.holds(model, fits)
		}
	}
	if weak != nil {
		j.holds(consistentView, weak.singlesKnown && !loose[consistentView])
	}
	j.proof = "every order that the edges allow is one in which each read shows exactly what it showed"
}

// excluded returns the models that the cycles rule out.
func (j *judgement) excluded(s *survey) set {
	out := set{}
	for anomaly := range s.broken {
		out.add(j.lattice.ruledOut(anomaly, nil))
	}
	return out
}

// holds notes that the model holds, and all that it implies.
func (j *judgement) holds(model string, fits bool) {
	if !fits || j.blank || j.out[model] {
		return
	}
	for m := range j.lattice.below(model) {
		if !j.out[m] {
			j.proved[m] = true
		}
	}
}

// settle tries one order of the appends that nobody saw: that of completion.
func (j *judgement) settle(ctx context.Context, n *inference) (*survey, error) {
	g := &graph{txns: n.graph.txns, nodes: n.graph.nodes, edges: slices.Clone(n.graph.edges)}
	for _, loose := range n.loose {
		writers := slices.Clone(loose.writers)
		slices.SortFunc(writers, func(a, b int32) int { return int(n.db.txns[a].done - n.db.txns[b].done) })
		for i := 1; i < len(writers); i++ {
			g.add(writers[i-1], writers[i], loose.key, ww, guessed)
		}
	}
	g.pack()
	return surveyCycles(ctx, j.lattice, g, false)
}

// result puts the judgement into words.
func (c *checker) result(j *judgement, d *db) checkers.Result {
	r := checkers.Result{Check: c.name, Counts: j.counts}
	switch {
	case j.out[j.level]:
		r.Verdict = checkers.Violation
		r.Says = append(r.Says, j.verdictSentence())
	case j.proved[j.level]:
		r.Verdict = checkers.Valid
		r.Says = append(r.Says, fmt.Sprintf("The history (%d transactions that were committed) is %s: %s.", j.counts["ok"]+j.counts["info_seen"], j.level, j.proof))
	default:
		r.Says = append(r.Says, j.undecided())
	}
	if len(j.out) > 0 && !j.out[j.level] {
		r.Says = append(r.Says, fmt.Sprintf("The history is not %s, which was not asked for: see anomalies.txt.", strings.Join(j.lattice.weakest(j.out), " and not ")))
	}
	r.Says = append(r.Says, j.notes...)
	j.tell(&r)
	if d.skipped > 0 {
		r.Says = append(r.Says, fmt.Sprintf("%d operations that are no transactions were left out.", d.skipped))
	}
	return r
}

func (j *judgement) undecided() string {
	why := "what was observed does not tell"
	if j.timeless && j.lattice.below(j.level)["strong-read-uncommitted"] {
		j.gaps = append([]string{"the history knows the order within sessions only, and the level is about real time"}, j.gaps...)
	}
	if j.blank && len(j.gaps) == 0 {
		j.gaps = []string{"no transaction met the work of another, so there is nothing to judge by"}
	}
	if len(j.gaps) > 0 {
		why = strings.Join(j.gaps, "; ")
	}
	says := fmt.Sprintf("Nothing rules out %s, but it is not proved either: %s.", j.level, why)
	if len(j.proved) > 0 {
		says += fmt.Sprintf(" Proved is %s.", strings.Join(j.lattice.strongest(j.proved), " and "))
	}
	return says
}

func (j *judgement) verdictSentence() string {
	weakest := j.lattice.weakest(j.out)
	says := fmt.Sprintf("The history is not %s", strings.Join(weakest, " and not "))
	says += j.consequence()
	says += "."
	if len(j.proved) > 0 {
		says += fmt.Sprintf(" It is %s.", strings.Join(j.lattice.strongest(j.proved), " and "))
	}
	return says
}

// mostNamed is how many levels a sentence lists; more than that nobody reads.
const mostNamed = 4

// consequence is what follows from the weakest levels that are violated: the
// stronger ones. Of many, a sentence names those that most people know.
func (j *judgement) consequence() string {
	weakest := j.lattice.weakest(j.out)
	stronger := slices.DeleteFunc(slices.Sorted(maps.Keys(j.out)), func(m string) bool { return slices.Contains(weakest, m) })
	named := stronger
	if len(stronger) > mostNamed {
		named = slices.DeleteFunc(slices.Clone(stronger), func(m string) bool {
			return m != "read-committed" && m != "snapshot-isolation" && m != "serializable" && m != "strict-serializable"
		})
	}
	if len(named) == 0 {
		return ""
	}
	says := ", and therefore not " + named[0]
	if len(stronger) > 1 {
		says = ", and therefore neither " + strings.Join(named, " nor ")
	}
	switch rest := len(stronger) - len(named); rest {
	case 0:
		return says
	case 1:
		return says + " nor another level that implies it"
	default:
		return says + fmt.Sprintf(" nor %d others that imply it", rest)
	}
}

// notHeld lists all levels that the history violates.
func (j *judgement) notHeld() string {
	return fmt.Sprintf("Levels that the history does not keep (%d): %s.", len(j.out), strings.Join(slices.Sorted(maps.Keys(j.out)), ", "))
}
