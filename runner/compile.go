package runner

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner/workload"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// Compile makes the plan of a scenario: which fault when and on whom, which
// client sends what and when. It is pure, and each fault of the scenario draws
// from a stream of its own, as does each client, so that adding one leaves the
// others as they were as far as possible. (Random targets keep out of the way
// of earlier ones, which may move them.)
func Compile(s *scenarios.Scenario, seed uint64) (*Plan, error) {
	p := &Plan{Format: format, Scenario: s, Seed: seed}
	for i := range s.System.Nodes {
		p.Nodes = append(p.Nodes, fmt.Sprintf("n%d", i+1))
	}
	at := time.Duration(0)
	for _, phase := range s.Phases {
		p.Phases = append(p.Phases, PlannedPhase{Name: phase.Name, At: at, For: phase.For})
		at += phase.For
	}
	if err := p.planFaults(); err != nil {
		return nil, err
	}
	return p, p.planClients(at)
}

// Span is how long the phases last together.
func (p *Plan) Span() time.Duration {
	if len(p.Phases) == 0 {
		return 0
	}
	last := p.Phases[len(p.Phases)-1]
	return last.At + last.For
}

// planClients gives every client its node and its operations.
func (p *Plan) planClients(span time.Duration) error {
	w := p.Scenario.Workload
	kind, ok := workload.Find(w.Use)
	if !ok {
		return fmt.Errorf("plan the clients: there is no workload %q", w.Use)
	}
	lists := kind.Make(workload.Spec{
		Clients: w.Clients, Keys: w.Keys, OperationsPerKey: w.OperationsPerKey,
		RatePerSecond: w.RatePerSecond, Mix: w.Mix, Span: span, Seed: p.Seed,
		TxnLength: w.TxnLength, Accounts: w.Accounts, MaxTransfer: w.MaxTransfer, GroupSize: w.GroupSize,
	})
	for i, list := range lists {
		p.Clients = append(p.Clients, PlannedClient{Client: i, Node: p.Nodes[i%len(p.Nodes)], Operations: list})
	}
	if kind.Keys != nil {
		p.FinalReads = kind.Keys(lists)
	}
	return nil
}

// planFaults expands every fault of every phase, in the order of time.
func (p *Plan) planFaults() error {
	drafts := p.drafts()
	for i := range drafts {
		in, err := p.draw(&drafts[i])
		if err != nil {
			return drafts[i].fault.Place.Found(fmt.Sprintf("fault %s: %v", drafts[i].id, err), "")
		}
		p.Faults = append(p.Faults, in)
	}
	return p.checkMeetings()
}

// A draft is an injection of which only the time is known.
type draft struct {
	id     string
	phase  string
	number int // from 1, within its fault
	at     time.Duration
	until  time.Duration // when the next one begins, or the phase ends
	fault  scenarios.Fault
	stream *stream
}

// A stream is what the injections of one line of the scenario draw from.
type stream struct {
	rng    *rand.Rand
	shapes []string // the shapes of "any", in the order drawn
}

// drafts lists all injections by time; those at the same moment as they stand
// in the scenario.
func (p *Plan) drafts() []draft {
	var out []draft
	for i, phase := range p.Scenario.Phases {
		for _, f := range phase.Faults {
			s := newStream(p.Seed, phase.Name+"/"+f.Name)
			all := moments(f, phase.For)
			for n, at := range all {
				until := phase.For
				if n+1 < len(all) {
					until = all[n+1]
				}
				out = append(out, draft{
					id:    fmt.Sprintf("%s/%s#%d", phase.Name, f.Name, n+1),
					phase: phase.Name, number: n + 1, at: p.Phases[i].At + at, until: p.Phases[i].At + until, fault: f, stream: s,
				})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b draft) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.follows(), b.follows())) })
	return out
}

// follows is 1 for a fault whose target may be what another one hits, which of
// two at the same moment is the later.
func (d draft) follows() int {
	targets := []string{d.fault.Target}
	for _, w := range d.fault.Weights {
		targets = append(targets, w.Target)
	}
	for _, t := range targets {
		if _, ok := nemesis.SameAs(t); ok {
			return 1
		}
	}
	return 0
}

func newStream(seed uint64, name string) *stream {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash takes everything
	s := &stream{rng: rand.New(rand.NewPCG(seed, h.Sum64())), shapes: nemesis.Shapes()}
	s.rng.Shuffle(len(s.shapes), func(i, j int) { s.shapes[i], s.shapes[j] = s.shapes[j], s.shapes[i] })
	return s
}

// seed draws a seed for whoever carries the fault out; it is exact in JSON.
func (s *stream) seed() uint64 { return s.rng.Uint64() >> 11 }

// moments are the times within a phase at which a fault begins.
func moments(f scenarios.Fault, phase time.Duration) []time.Duration {
	var out []time.Duration
	for at := f.First(); at+f.For <= phase; at += f.Every {
		out = append(out, at)
		if f.Every == 0 {
			break
		}
	}
	return out
}

// margin is kept between two faults on one node, for the first one's heal;
// where there is room, the node gets the time to come back and join in, too.
const (
	margin     = time.Second
	roomMargin = 5 * time.Second
)

// free are the nodes to which nothing is planned to happen, while in lasts, that
// it had better not meet.
func (p *Plan) free(in nemesis.Injection, margin time.Duration) []string {
	var out []string
	for _, n := range p.Nodes {
		if !p.busy(n, in, margin) {
			out = append(out, n)
		}
	}
	return out
}

func (p *Plan) busy(node string, in nemesis.Injection, margin time.Duration) bool {
	class := nemesis.ClassOf(in)
	return slices.ContainsFunc(p.Faults, func(other nemesis.Injection) bool {
		return nemesis.RuleFor(class, nemesis.ClassOf(other)).Meet != nemesis.MeetFreely && slices.Contains(other.Nodes, node) &&
			other.At < in.Over()+margin && in.At < other.Over()+margin
	})
}
