package agent

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/vdso"
)

// String says what the clock shows: "clock off by +1m30s", "clock 10% fast".
func (c Clock) String() string {
	var does []string
	switch {
	case c.Period != 0:
		does = append(does, fmt.Sprintf("flips between %s and %s every %v", plus(c.Offset), plus(c.Other), c.Period))
	case c.Offset != 0 || c.Rate == 0:
		does = append(does, "off by "+plus(c.Offset))
	}
	switch {
	case c.Rate == vdso.Still:
		does = append(does, "stands still")
	case c.Rate > 0:
		does = append(does, share(c.Rate)+" fast")
	case c.Rate < 0:
		does = append(does, share(-c.Rate)+" slow")
	}
	return c.which() + " " + strings.Join(does, ", ")
}

// which names the clocks that it is about, if those are others than usual.
func (c Clock) which() string {
	if c.Host {
		return "the host's own clock"
	}
	if slices.Equal(c.names(), []string{"realtime"}) {
		return "clock"
	}
	return strings.Join(c.names(), " and ") + " clock"
}

// names are the clocks that it is about, sorted.
func (c Clock) names() []string {
	if len(c.Clocks) == 0 {
		return []string{"realtime"}
	}
	names := slices.Clone(c.Clocks)
	slices.Sort(names)
	return slices.Compact(names)
}

// Same reports whether two clocks show the same.
func (c Clock) Same(o Clock) bool {
	return c.Offset == o.Offset && c.Other == o.Other && c.Period == o.Period && c.Rate == o.Rate &&
		c.Host == o.Host && slices.Equal(c.names(), o.names())
}

func plus(d time.Duration) string {
	if d > 0 {
		return "+" + d.String()
	}
	return d.String()
}

// share says a rate in parts per million if it is small, else per cent.
func share(rate int64) string {
	if rate < vdso.PerBillion/1000 {
		return strconv.FormatFloat(float64(rate)/1000, 'f', -1, 64) + " ppm"
	}
	return strconv.FormatFloat(float64(rate)/(vdso.PerBillion/100), 'f', -1, 64) + "%"
}
