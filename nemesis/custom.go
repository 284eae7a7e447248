package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// FaultCustom is the name of faults that the scenario itself defines.
const FaultCustom = "custom"

// A Custom is a fault of three steps, each done once for every target.
type Custom struct {
	Inject Step `json:"inject"`
	Verify Step `json:"verify"`
	Heal   Step `json:"heal"`
	// Gone, if there is one, is looked for after the heal.
	Gone *Step `json:"gone,omitempty"`
	// Within bounds each step.
	Within time.Duration `json:"within_ns"`
}

// A Step is a command or an HTTP call. In all its texts {name}, {ip} and
// {index} stand for the target's own, {via} and {via_ip} for another node's.
type Step struct {
	// Run is a command: on the node, or, with OnHost, on the machine that
	// runs this program, with all rights that it has, or, with OnVia, on the
	// other node.
	Run    []string `json:"run,omitempty"`
	OnHost bool     `json:"on_host,omitempty"`
	OnVia  bool     `json:"on_via,omitempty"`
	// Method, URL and Body are of an HTTP call, which any 2xx answers well.
	Method string `json:"method,omitempty"`
	URL    string `json:"url,omitempty"`
	Body   string `json:"body,omitempty"`
	// Says must be in what is printed or answered, and SaysNot must not be.
	Says    string `json:"says,omitempty"`
	SaysNot string `json:"says_not,omitempty"`
}

// A Commander is a [Cluster] on whose nodes commands can be run.
type Commander interface {
	Exec(ctx context.Context, node string, command []string) (output string, err error)
}

func customKind() kind {
	return kind{
		name:  FaultCustom,
		class: always(ClassCustom),
		make:  func(in Injection, x Exec) fault { return &custom{in: in, x: x} },
		says:  func(in Injection, _ []string) string { return in.Custom.Inject.String() },
		foretells: func(in Injection, _ []string) string {
			c := in.Custom
			return whom(in) + " " + c.Inject.String() + "; seen by: " + c.Verify.String() + "; healed by: " + c.Heal.String()
		},
	}
}

// String says what is done, and where.
func (s Step) String() string {
	switch {
	case len(s.Run) > 0 && s.OnHost:
		return fmt.Sprintf("runs ON THIS MACHINE %q", s.Run)
	case len(s.Run) > 0 && s.OnVia:
		return fmt.Sprintf("runs on another node %q", s.Run)
	case len(s.Run) > 0:
		return fmt.Sprintf("runs on the node %q", s.Run)
	case s.Body != "":
		return fmt.Sprintf("%s %s %q", s.Method, s.URL, s.Body)
	}
	return s.Method + " " + s.URL
}

// A custom fault does what the scenario says, on each target.
type custom struct {
	in Injection
	x  Exec
}

// each does a step for every target, within its time.
func (c *custom) each(ctx context.Context, s Step) (string, error) {
	return eachNode(c.in.Nodes, func(node string) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, c.in.Custom.Within)
		defer cancel()
		out, err := s.Do(ctx, c.x.Cluster, node, "")
		if err != nil {
			return "", fmt.Errorf("%s: %s: %w", node, s, err)
		}
		return s.String() + said(out), nil
	})
}

// said quotes the beginning of an output.
func said(out string) string {
	const most = 200
	if out = strings.TrimSpace(out); out == "" {
		return ""
	}
	if len(out) > most {
		out = out[:most] + "…"
	}
	return fmt.Sprintf(" → %q", out)
}

func (c *custom) inject(ctx context.Context) error {
	_, err := c.each(ctx, c.in.Custom.Inject)
	return err
}

// verify looks until it sees the fault.
func (c *custom) verify(ctx context.Context) (string, error) {
	return c.until(ctx, c.in.Custom.Verify)
}

// until does a step until it goes well. When the time is over it tells what went
// wrong last, other than that the time was over.
func (c *custom) until(ctx context.Context, s Step) (string, error) {
	var last error
	for {
		evidence, err := c.each(ctx, s)
		if err == nil || last == nil || ctx.Err() == nil {
			last = err
		}
		if err == nil || !pauseFor(ctx, probeEvery) {
			return evidence, last
		}
	}
}

func (c *custom) hold(ctx context.Context, _ func(says, evidence string)) error {
	<-ctx.Done()
	return nil
}

// heal does what the scenario says, and looks whether the fault is gone. A node
// that has died of the fault is started first: what heals may be in it.
func (c *custom) heal(ctx context.Context) (string, error) {
	_, started := eachNode(c.in.Nodes, func(node string) (string, error) { return "", c.x.Cluster.Restart(ctx, node) })
	healing, cancel := context.WithTimeout(ctx, c.in.Custom.Within)
	defer cancel()
	evidence, err := c.until(healing, c.in.Custom.Heal)
	if err != nil {
		return evidence, errors.Join(err, started)
	}
	if c.in.Custom.Gone == nil {
		return evidence, started
	}
	gone, err := c.until(ctx, *c.in.Custom.Gone)
	return gone, errors.Join(err, started)
}

// Do carries a step out for one node, by another one if it asks for one, and
// returns what is printed or answered. The error is also that this does not say
// what it should.
func (s Step) Do(ctx context.Context, c Cluster, node, via string) (out string, err error) {
	s, err = s.filled(c, node, via)
	if err != nil {
		return "", err
	}
	if s.OnVia {
		node = via
	}
	switch {
	case len(s.Run) > 0 && s.OnHost:
		out, err = runHere(ctx, s.Run)
	case len(s.Run) > 0:
		commander, ok := c.(Commander)
		if !ok {
			return "", errors.New("no command can be run on nodes of this kind of cluster")
		}
		out, err = commander.Exec(ctx, node, s.Run)
	default:
		out, err = call(ctx, s.Method, s.URL, s.Body)
	}
	switch {
	case err != nil:
		return out, err
	case s.Says != "" && !strings.Contains(out, s.Says):
		return out, fmt.Errorf("it does not say %q%s", s.Says, said(out))
	case s.SaysNot != "" && strings.Contains(out, s.SaysNot):
		return out, fmt.Errorf("it says %q%s", s.SaysNot, said(out))
	}
	return out, nil
}

// filled replaces the placeholders.
func (s Step) filled(c Cluster, node, via string) (Step, error) {
	located, ok := c.(interface{ Address(node string) string })
	if !ok {
		return s, errors.New("nodes of this kind of cluster have no addresses")
	}
	index := slices.Index(c.Nodes(), node) + 1
	all := []string{"{name}", node, "{ip}", located.Address(node), "{index}", fmt.Sprint(index)}
	if via != "" {
		all = append(all, "{via}", via, "{via_ip}", located.Address(via))
	}
	r := strings.NewReplacer(all...)
	run := make([]string, len(s.Run))
	for i, word := range s.Run {
		run[i] = r.Replace(word)
	}
	s.Run = run
	s.URL, s.Body, s.Says, s.SaysNot = r.Replace(s.URL), r.Replace(s.Body), r.Replace(s.Says), r.Replace(s.SaysNot)
	return s, nil
}
