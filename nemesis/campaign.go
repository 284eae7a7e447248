package nemesis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// A campaign is one [Run]: what its injections have to know of each other.
type campaign struct {
	Exec
	plan []Injection
	// aimed are closed, by ID, when it is known whom the injection hits, or
	// that it hits nobody.
	aimed map[string]chan struct{}

	mu sync.Mutex
	// hit are the nodes that each line of the scenario hit last.
	hit map[string][]string
	// held are the injections that have hold of nodes, by ID, and over those
	// that had.
	held map[string]Injection
	over map[string]bool
	// reached are the stages of faults, in order; news is closed and replaced
	// with each.
	reached []milestone
	news    chan struct{}
}

// A milestone is a stage that a fault of a line has reached.
type milestone struct {
	line  string
	stage history.Stage
	at    time.Duration
}

func newCampaign(plan []Injection, x Exec) *campaign {
	if x.Journal == nil {
		x.Journal = noJournal{}
	}
	c := &campaign{
		Exec: x, plan: plan, aimed: map[string]chan struct{}{},
		hit: map[string][]string{}, held: map[string]Injection{}, over: map[string]bool{}, news: make(chan struct{}),
	}
	for _, in := range plan {
		c.aimed[in.ID] = make(chan struct{})
	}
	return c
}

// Line is the line of the scenario that an injection is of: "storm/kill" of
// "storm/kill#2".
func (in Injection) Line() string {
	line, _, _ := strings.Cut(in.ID, "#")
	return line
}

// aim notes whom an injection hits.
func (c *campaign) aim(in Injection, nodes []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hit[in.Line()] = nodes
}

// note notes a stage that a fault has reached.
func (c *campaign) note(in Injection, stage history.Stage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reached = append(c.reached, milestone{in.Line(), stage, c.Since()})
	close(c.news)
	c.news = make(chan struct{})
}

// sameAs returns the nodes that the line hit last. If the plan has an
// injection of it before in, that one is waited for.
func (c *campaign) sameAs(ctx context.Context, in Injection, line string) ([]string, error) {
	at := slices.IndexFunc(c.plan, func(o Injection) bool { return o.ID == in.ID })
	for _, o := range slices.Backward(c.plan[:max(at, 0)]) {
		if o.Line() != line || o.Trigger != nil {
			continue
		}
		select {
		case <-c.aimed[o.ID]:
		case <-ctx.Done():
			return nil, fmt.Errorf("it is not known yet whom %s hits", o.ID)
		}
		break
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.hit[line]) == 0 {
		return nil, fmt.Errorf("%s has hit nobody yet", line)
	}
	return c.hit[line], nil
}

// await waits for the trigger of an injection and says what set it off.
func (c *campaign) await(ctx context.Context, in Injection) (why string, err error) {
	t := *in.Trigger
	waiting, cancel := context.WithTimeout(ctx, t.Until-c.Since())
	defer cancel()
	if t.Fault == "" {
		return c.Await(waiting, t)
	}
	armed := c.Since()
	for {
		m, news := c.since(t, armed)
		if m != nil {
			if !pauseFor(waiting, m.at+t.By-c.Since()) {
				return "", fmt.Errorf("%s was %s too late", t.Fault, t.Stage)
			}
			return fmt.Sprintf("%s was %s at %.3fs", t.Fault, t.Stage, m.at.Seconds()), nil
		}
		select {
		case <-news:
		case <-waiting.Done():
			return "", fmt.Errorf("%s was not %s in that time", t.Fault, t.Stage)
		}
	}
}

// since is the first milestone that sets the trigger off, or nil and what is
// closed when there is another one.
func (c *campaign) since(t Trigger, armed time.Duration) (*milestone, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range c.reached {
		if m.line == t.Fault && m.stage == t.Stage && m.at >= armed {
			return &c.reached[i], nil
		}
	}
	return nil, c.news
}
