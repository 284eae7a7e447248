package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cut"
	"github.com/shakedown-dev/shakedown/nemesis/agent/desired"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

func (a *agent) cut(ctx context.Context, r Request) (Reply, error) {
	c, err := a.cuts().Cut(ctx, r.ID, r.Pairs, r.Ports...)
	if err != nil {
		return nobody(err), err
	}
	return Reply{
		Evidence: fmt.Sprintf("%s of addresses cut %s %v, %d in all read back from the kernel",
			count(c.Changed, "pair", "pairs"), where(c), round(c.Took), c.Pairs),
		Took: c.Took,
	}, nil
}

// nobody is the reply with an error of the network: pending, if nodes had to run
// for it.
func nobody(err error) Reply { return Reply{Pending: errors.Is(err, desired.ErrNobody)} }

// mend answers with the packets that the cut has dropped, for which it is too
// late to ask afterwards.
func (a *agent) mend(ctx context.Context, r Request) (Reply, error) {
	c, err := a.cuts().Mend(ctx, r.ID)
	if err != nil {
		return Reply{}, err
	}
	if c.Changed == 0 {
		return Reply{Evidence: "nothing was cut by it"}, nil
	}
	return Reply{
		Evidence: fmt.Sprintf("%s of addresses mended %s %v, %d still cut by others; %s",
			count(c.Changed, "pair", "pairs"), where(c), round(c.Took), c.Pairs, say(c.Dropped)),
		Number: int64(c.Dropped.Packets),
		Took:   c.Took,
	}, nil
}

// where says by how many transactions a change was made.
func where(c cut.Change) string {
	if c.Networks == 0 {
		return "in one transaction of"
	}
	return fmt.Sprintf("in the networks of %s, within", count(c.Networks, "node", "nodes"))
}

func (a *agent) dropped(ctx context.Context, r Request) (Reply, error) {
	c, err := a.cuts().Dropped(ctx, r.ID)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Evidence: say(c), Number: int64(c.Packets)}, nil
}

func say(c rules.Count) string {
	packets := count(int(c.Packets), "packet", "packets")
	if c.Shared {
		return packets + " dropped since the cut, by all cuts together"
	}
	return packets + " dropped, counted on its own pairs"
}

// renew keeps what is done to the network from expiring.
func (a *agent) renew(ctx context.Context) {
	tick := time.NewTicker(cut.Renewal)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_, err := guarded("renew", func() (any, error) {
				return nil, errors.Join(a.cuts().Renew(ctx), a.slow.Renew(ctx), a.tcp.Renew(ctx), a.dns.Renew(ctx))
			})
			a.complain(err)
		case <-ctx.Done():
			return
		}
	}
}

func parseAddresses(texts []string) ([]netip.Addr, error) {
	var addresses []netip.Addr
	for _, text := range texts {
		address, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not an IP address", text)
		}
		addresses = append(addresses, address.Unmap())
	}
	return addresses, nil
}

// count puts a number before a noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// round makes a duration short to read.
func round(d time.Duration) time.Duration {
	if d > time.Millisecond {
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}
