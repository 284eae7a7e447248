package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/vdso"
)

const (
	// mostOff bounds the offsets: what is shown must be a time after 1970.
	mostOff = 20 * 365 * 24 * time.Hour
	// shortestPeriod is the shortest in which a clock may flip: readers that
	// take longer than that see noise.
	shortestPeriod = time.Millisecond
	// mostRate is the most by which a clock may be too fast.
	mostRate = 100 * vdso.PerBillion
)

func (a *agent) setClock(ctx context.Context, r Request) (Reply, error) {
	if r.Clock.Host {
		return a.hostClock.set(r.ID, *r.Clock)
	}
	now, err := vdso.Now()
	if err != nil {
		return Reply{}, err
	}
	shows, err := r.Clock.toVDSO(now)
	if err != nil {
		return Reply{}, err
	}
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	n.clock.set(r.ID, shows)
	begin := time.Now()
	if err := n.running(); err != nil {
		return Reply{Pending: true}, fmt.Errorf("%w, its clock will be set when it runs", err)
	}
	reply, err := clockReply(n, begin, ctx)
	reply.Pending = errors.Is(err, errFrozen)
	return reply, err
}

func (a *agent) resetClock(ctx context.Context, r Request) (Reply, error) {
	if a.hostClock.holds(r.ID) {
		return a.hostClock.reset()
	}
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	n.clock.reset(r.ID)
	begin := time.Now()
	if err := n.running(); err != nil {
		return Reply{Evidence: err.Error() + ", there is no clock to reset"}, nil
	}
	return clockReply(n, begin, ctx)
}

func clockReply(n *node, begin time.Time, ctx context.Context) (Reply, error) {
	seen, err := n.setClocks(ctx)
	if err != nil {
		return Reply{}, err
	}
	reply := seen.reply()
	reply.Took = time.Since(begin)
	return reply, nil
}

func (a *agent) readClock(ctx context.Context, r Request) (Reply, error) {
	if a.hostClock.holds(r.ID) {
		return a.hostClock.read()
	}
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	pids, err := n.processes()
	if err != nil {
		return Reply{}, err
	}
	seen, err := n.readClocks(pids)
	if err != nil {
		return Reply{}, err
	}
	return seen.reply(), nil
}

// toVDSO is what processes are to be shown from now on.
func (c *Clock) toVDSO(now vdso.Reading) (vdso.Clock, error) {
	shows := vdso.Clock{Of: vdso.Realtime, Offset: c.Offset, Other: c.Other, Period: c.Period, Rate: c.Rate, From: now}
	if len(c.Clocks) > 0 {
		shows.Of = 0
	}
	for _, name := range c.Clocks {
		of, ok := clockNames()[name]
		if !ok {
			return shows, fmt.Errorf("there is no clock %q: realtime, monotonic, boottime", name)
		}
		shows.Of |= of
	}
	return shows, c.bounds(shows.Of, now)
}

func clockNames() map[string]vdso.Clocks {
	return map[string]vdso.Clocks{"realtime": vdso.Realtime, "monotonic": vdso.Monotonic, "boottime": vdso.Boottime}
}

// bounds keeps what is shown from being before 1970, or before the boot.
func (c *Clock) bounds(of vdso.Clocks, now vdso.Reading) error {
	low, high := min(c.Offset, c.Other), max(c.Offset, c.Other)
	switch {
	case low < -mostOff || high > mostOff:
		return fmt.Errorf("an offset of %v: at most 20 years", max(high, -low))
	case c.Rate < vdso.Still || c.Rate > mostRate:
		return fmt.Errorf("a rate of %d per billion: from %d, which stands still, to %d", c.Rate, vdso.Still, int64(mostRate))
	case c.Period != 0 && c.Period < shortestPeriod:
		return fmt.Errorf("a period of %v: at least %v", c.Period, shortestPeriod)
	case of&(vdso.Monotonic|vdso.Boottime) != 0 && int64(low)+now[1] < 0:
		return fmt.Errorf("the host was booted %v ago, and no monotonic clock can show less than nothing: an offset of %v is too far back",
			time.Duration(now[1]).Round(time.Second), low)
	}
	return nil
}

// fromVDSO is the inverse of toVDSO; the real clock is nil.
func fromVDSO(shows vdso.Clock) *Clock {
	if shows.Of == 0 {
		return nil
	}
	c := &Clock{Offset: shows.Offset, Other: shows.Other, Period: shows.Period, Rate: shows.Rate}
	if shows.Of != vdso.Realtime {
		for _, name := range []string{"realtime", "monotonic", "boottime"} {
			if shows.Of&clockNames()[name] != 0 {
				c.Clocks = append(c.Clocks, name)
			}
		}
	}
	return c
}

// sayClock says what is shown, and by how much that is off just now.
func sayClock(shows vdso.Clock, off time.Duration) string {
	var c Clock // the real one
	if is := fromVDSO(shows); is != nil {
		c = *is
	}
	if c.Period == 0 && c.Rate == 0 {
		return c.which() + " offset " + plus(off)
	}
	return fmt.Sprintf("%s, now off by %s", c, plus(off))
}
