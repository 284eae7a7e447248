//go:build linux

package playground

import (
	"net/netip"
	"os"
	"testing"
	"time"
)

func TestEndpointsReachEachOther(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root: makes network namespaces")
	}
	p, err := New(3)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, family := range []func(int) netip.Addr{p.Address, p.Address6} {
		from, err := p.ListenUDP(0, family(0))
		if err != nil {
			t.Fatal(err)
		}
		defer from.Close()
		to, err := p.ListenUDP(2, family(2))
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		if _, err := from.WriteTo([]byte("ahoy"), to.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 16)
		to.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, sender, err := to.ReadFrom(got)
		if err != nil || string(got[:n]) != "ahoy" || sender.String() != from.LocalAddr().String() {
			t.Errorf("received %q from %v, %v; want ahoy from %v", got[:n], sender, err, from.LocalAddr())
		}
	}
}

func TestTooManyEndpoints(t *testing.T) {
	if _, err := New(201); err == nil {
		t.Error("201 endpoints were made; the addresses are only good for 200")
	}
}

// skip skips a test that this host cannot run; where it must be able to, that
// is a failure.
func skip(t testing.TB, format string, arguments ...any) {
	t.Helper()
	if os.Getenv("SHAKEDOWN_REQUIRE_DOCKER") == "1" {
		t.Fatalf(format, arguments...)
	}
	t.Skipf(format, arguments...)
}
