package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cut"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
	"github.com/shakedown-dev/shakedown/nemesis/agent/slow"
)

// tryLatency measures round trips on a throw-away network, without a delay,
// with one, and without it again.
func tryLatency(ctx context.Context) (backend, detail string, err error) {
	const delay = 30 * time.Millisecond
	p, err := playground.New(2)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	n := slow.New(rules.TableName("probe"), cut.Lifetime)
	defer func() {
		_, healed := n.Heal(context.WithoutCancel(ctx))
		err = errors.Join(err, healed)
	}()
	for i, node := range []string{"n1", "n2"} {
		if err := n.Place(ctx, node, p.Endpoint(i), []netip.Addr{p.Address(i)}); err != nil {
			return "", "", err
		}
	}
	// The first packets of a network that was just made wait for its bridge,
	// so the first round trip is not measured.
	if _, err := slow.RoundTrip(ctx, p.Endpoint(0), p.Address(1)); err != nil {
		return "", "", err
	}
	bare, err := slow.RoundTrip(ctx, p.Endpoint(0), p.Address(1))
	if err != nil {
		return "", "", err
	}
	if _, err := n.Slow(ctx, "probe", [][2]string{{"n1", "n2"}}, slow.Profile{Delay: delay}); err != nil {
		return "", "", err
	}
	backend = n.Backend()
	if why := n.Refusal(); why != nil {
		backend += fmt.Sprintf(" (%v)", why)
	}
	slowed, err := slow.RoundTrip(ctx, p.Endpoint(0), p.Address(1))
	if err != nil {
		return backend, "", err
	}
	if slowed < delay {
		return backend, "", fmt.Errorf("the rules were taken but a round trip took %v instead of %v more", round(slowed), delay)
	}
	_, err = n.Mend(ctx, "probe")
	return backend, fmt.Sprintf("on a throw-away network, a round trip took %v with a delay of %v one way, and %v without",
		round(slowed), delay, round(bare)), err
}
