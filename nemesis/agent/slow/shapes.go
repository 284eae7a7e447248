//go:build linux

package slow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/netem"
)

// shapeable reports whether netem does exactly what the profile says. Its
// jitter reorders packets, its bandwidth has no limit of time, what it
// corrupts may be the address, what it sends twice goes through everything
// twice, and it cannot tamper; bursts of losses its library cannot ask for.
func (p Profile) shapeable() bool {
	queued := Profile{Jitter: p.Jitter, Distribution: p.Distribution, LossBurst: p.LossBurst,
		Duplicate: p.Duplicate, Corrupt: p.Corrupt, Tamper: p.Tamper, Rate: p.Rate}
	return queued == Profile{} && (p.Reorder == 0 || p.Delay >= time.Microsecond)
}

// A plan is who does what, where.
type plan struct {
	// links are what queues do, by the receiver and the sender's address.
	links map[string]map[netip.Addr]*link
	// shapes are what netem does, by the sender and the receiver's address.
	shapes map[string]map[netip.Addr]netem.Shape
}

// senders is how many addresses are slowed.
func (p plan) senders() int {
	n := 0
	for _, links := range p.links {
		n += len(links)
	}
	for _, shapes := range p.shapes {
		n += len(shapes)
	}
	return n
}

// resolve finds out who does what. Netem does what it can, where the sender's
// kernel has it, and one fault alone acts on a way; else a queue does.
func (n *Network) resolve() (plan, error) {
	ways := map[[2]string][]*effect{}
	for _, id := range slices.Sorted(maps.Keys(n.faults)) {
		for names, e := range n.faults[id].effects {
			if err := n.places.Addressed(names[:]...); err != nil {
				return plan{}, err
			}
			ways[names] = append(ways[names], e)
		}
	}
	p := plan{links: map[string]map[netip.Addr]*link{}, shapes: map[string]map[netip.Addr]netem.Shape{}}
	for names, effects := range ways {
		from, to := n.places[names[0]], n.places[names[1]]
		switch {
		case !to.Up(): // Nobody is there to receive it.
		case len(effects) == 1 && effects[0].shapeable() && from.Up() && !n.queues && n.refusals[names[0]] == nil:
			p.shape(names[0], to.Addresses, effects[0])
		default:
			p.link(names[1], from.Addresses, effects)
		}
	}
	return p, nil
}

func (p plan) shape(sender string, to []netip.Addr, e *effect) {
	if p.shapes[sender] == nil {
		p.shapes[sender] = map[netip.Addr]netem.Shape{}
	}
	for _, address := range to {
		p.shapes[sender][address] = netem.Shape{ID: e.id, Delay: e.Delay, Loss: e.Loss, Reorder: e.Reorder}
	}
}

func (p plan) link(receiver string, from []netip.Addr, effects []*effect) {
	if p.links[receiver] == nil {
		p.links[receiver] = map[netip.Addr]*link{}
	}
	for _, address := range from {
		p.links[receiver][address] = &link{effects: effects}
	}
}

// shape brings every sender to what netem is to do there. It reports whether
// all agreed; where one did not, a queue is to do it.
func (n *Network) shape(ctx context.Context, want map[string]map[netip.Addr]netem.Shape) (agreed bool, err error) {
	agreed = true
	for node := range want {
		if n.shapers[node] == nil {
			n.shapers[node] = netem.New(n.places[node].Netns, string(n.name)+"_netem", n.lifetime)
		}
	}
	for _, node := range slices.Sorted(maps.Keys(n.shapers)) {
		s := n.shapers[node]
		settled := s.Settle(ctx, want[node])
		if errors.Is(settled, netem.ErrRefused) {
			n.refusals[node], agreed = settled, false
		} else if settled != nil {
			err = errors.Join(err, fmt.Errorf("in the network of %s: %w", node, settled))
		}
		if n.refusals[node] != nil || s.Idle() {
			n.bank(node)
			delete(n.shapers, node)
			err = errors.Join(err, s.Close(ctx))
		}
	}
	return agreed, err
}

// leave forgets what was done in a network that is no more, but for what it
// has counted.
func (n *Network) leave(ctx context.Context, node string) error {
	n.bank(node)
	shaper, station := n.shapers[node], n.stations[node]
	delete(n.shapers, node)
	delete(n.refusals, node)
	delete(n.stations, node)
	var err error
	if shaper != nil {
		err = shaper.Abandon()
	}
	if station != nil {
		err = errors.Join(err, station.close(ctx, false))
	}
	return err
}

// bank takes over what a sender's netem has counted, which is about to go.
func (n *Network) bank(node string) {
	s := n.shapers[node]
	if s == nil {
		return
	}
	counts, _ := s.Counts() // What cannot be read any more is not missed.
	for _, f := range n.faults {
		for _, e := range f.effects {
			e.shaped.Add(e.tally(counts[e.id]))
		}
	}
}

// shapedBy adds up what all that do netem have counted of a fault.
func (n *Network) shapedBy(f *fault) (all Tally) {
	for _, s := range n.shapers {
		counts, err := s.Counts()
		if err != nil {
			continue // As where the network is no more, and Place is about to say so.
		}
		for _, e := range f.effects {
			all.Add(e.tally(counts[e.id]))
		}
	}
	for _, e := range f.effects {
		all.Add(e.shaped)
	}
	return all
}

// tally is what a count of netem means for the effect.
func (e *effect) tally(c netem.Count) Tally {
	t := Tally{Seen: c.Seen, Lost: c.Lost, Overtook: c.Overtook}
	if e.Delay > 0 {
		t.Delayed = c.Seen - min(c.Seen, c.Lost+c.Overtook)
	}
	return t
}

// Refusal is why netem is not used, where it could be; nil if it is, or was not
// wanted yet.
func (n *Network) Refusal() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, node := range slices.Sorted(maps.Keys(n.refusals)) {
		return n.refusals[node]
	}
	return nil
}
