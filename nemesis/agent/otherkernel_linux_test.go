package agent

import (
	"testing"

	"github.com/shakedown-dev/shakedown/nemesis/agent/otherkernel"
)

// TestOnAnotherKernel runs what is about networks on a kernel that has netem,
// and queues in nftables.
func TestOnAnotherKernel(t *testing.T) {
	otherkernel.Test(t, "^Test(Slow|EndOfInput|KilledAgent|Cut|HealSays|EffectsOnTheNetwork|EffectOfAReset|CorruptionIs)",
		"veth", "bridge", "nf_tables", "sch_htb", "sch_netem", "nfnetlink_queue", "nft_queue", "nft_reject_inet",
		"nf_reject_ipv4", "nf_reject_ipv6", "inet_diag", "tcp_diag", "udp_diag", "af_packet", "ipv6")
}
