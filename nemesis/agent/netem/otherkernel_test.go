//go:build linux

package netem

import (
	"os"
	"testing"

	"github.com/shakedown-dev/shakedown/nemesis/agent/otherkernel"
)

func TestMain(m *testing.M) {
	otherkernel.Init()
	os.Exit(m.Run())
}

// TestOnAnotherKernel runs the tests of this package on a kernel that has netem.
func TestOnAnotherKernel(t *testing.T) {
	otherkernel.Test(t, "^Test([^O]|O[^n])",
		"veth", "bridge", "nf_tables", "sch_htb", "sch_netem", "ipv6")
}
