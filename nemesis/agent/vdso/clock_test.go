package vdso

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func anyClock(t *rapid.T) Clock {
	c := Clock{
		Of:     Clocks(rapid.Uint32Range(1, 255).Draw(t, "clocks")),
		Offset: time.Duration(rapid.Int64().Draw(t, "offset")),
		Other:  time.Duration(rapid.Int64().Draw(t, "other")),
		Period: time.Duration(rapid.Int64Min(0).Draw(t, "period")),
		Rate:   rapid.Int64Range(Still, 100*PerBillion).Draw(t, "rate"),
	}
	for i := range c.From {
		c.From[i], c.Until[i] = rapid.Int64().Draw(t, "from"), rapid.Int64Min(1).Draw(t, "until")
	}
	return c
}

func TestBankRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyClock(t)
		b := want.bank()
		if len(b) != bankSize {
			t.Fatalf("a bank of %d bytes; want %d", len(b), bankSize)
		}
		if got := clockOf(b); got != want {
			t.Errorf("%+v became %+v", want, got)
		}
	})
	for _, c := range []Clock{{}, {Offset: time.Hour, Of: Realtime}, {Offset: time.Hour, Until: Reading{1, 1, 1, 1}}} {
		if got := clockOf(c.bank()); got != (Clock{}) {
			t.Errorf("%+v, which is of nothing or has no end, became %+v; want the real clock", c, got)
		}
	}
}

// Scaling agrees with arithmetic that knows no limits.
func TestScaled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		since := rapid.Int64Range(-1<<60, 1<<60).Draw(t, "since")
		rate := rapid.Int64Range(-1<<34, 1<<34).Draw(t, "rate")
		want := new(big.Int).Mul(big.NewInt(since), big.NewInt(rate))
		want.Rsh(want, 32)
		if want.IsInt64() && want.Int64() != scaled(since, rate) {
			t.Errorf("%d scaled by %d is %d; want %d", since, rate, scaled(since, rate), want)
		}
	})
}

func TestOff(t *testing.T) {
	from := Reading{1_000_000_000_000, 500_000_000_000, 500_000_000_000, 600_000_000_000}
	c := func(change Clock) Clock {
		if change.Of == 0 {
			change.Of = Realtime
		}
		change.From, change.Until = from, from.In(time.Hour)
		return change
	}
	strobe := Clock{Offset: time.Minute, Other: -time.Minute, Period: time.Second}
	for name, is := range map[string]struct {
		clock Clock
		after time.Duration
		want  time.Duration
	}{
		"real":                   {Clock{}, time.Second, 0},
		"offset":                 {c(Clock{Offset: time.Minute}), time.Second, time.Minute},
		"ended":                  {c(Clock{Offset: time.Minute}), time.Hour, 0},
		"about to end":           {c(Clock{Offset: time.Minute}), time.Hour - 1, time.Minute},
		"ten per cent fast":      {c(Clock{Rate: PerBillion / 10}), 10 * time.Second, time.Second},
		"stands still":           {c(Clock{Rate: Still}), 10 * time.Second, -10 * time.Second},
		"first period":           {c(strobe), 999 * time.Millisecond, time.Minute},
		"second period":          {c(strobe), time.Second, -time.Minute},
		"third period":           {c(strobe), 2 * time.Second, time.Minute},
		"only the monotonic one": {c(Clock{Of: Monotonic, Offset: 5 * time.Minute}), time.Second, 5 * time.Minute},
	} {
		got := is.clock.Off(from.In(is.after))
		if d := got - is.want; d < -5 || d > 5 { // 2^-32 is not a multiple of 10^-9
			t.Errorf("%s: off by %v after %v; want %v", name, got, is.after, is.want)
		}
	}
}

func TestSame(t *testing.T) {
	a := Clock{Of: Realtime, Offset: 1, Until: Reading{9, 9, 9, 9}}
	longer, other := a, a
	longer.Until = Reading{10, 10, 10, 10}
	other.From = Reading{1}
	for _, c := range []struct {
		a, b Clock
		want bool
	}{{a, longer, true}, {a, other, false}, {a, Clock{}, false}, {Clock{}, Clock{Offset: 1}, true}} {
		if c.a.Same(c.b) != c.want || c.b.Same(c.a) != c.want {
			t.Errorf("%+v and %+v: same is %v", c.a, c.b, !c.want)
		}
	}
	if a.Lasts(Reading{9}) || !a.Lasts(Reading{8}) || (Clock{}).Lasts(Reading{}) {
		t.Error("when a clock ends is mixed up")
	}
}
