//go:build linux

package slow

import (
	"net/netip"
	"testing"
)

func TestSender(t *testing.T) {
	v4 := append([]byte{0x45, 11: 0}, 10, 0, 0, 1, 10, 0, 0, 2)
	v6 := append([]byte{0x60, 7: 0}, append(netip.MustParseAddr("fd99::1").AsSlice(), netip.MustParseAddr("fd99::2").AsSlice()...)...)
	for name, c := range map[string]struct {
		packet []byte
		want   string
	}{
		"v4": {v4, "10.0.0.1"}, "v6": {v6, "fd99::1"},
		"short v4": {v4[:19], "invalid IP"}, "short v6": {v6[:39], "invalid IP"},
		"neither": {[]byte{0x10, 60: 0}, "invalid IP"}, "nothing": {nil, "invalid IP"},
	} {
		if got := sender(c.packet).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
