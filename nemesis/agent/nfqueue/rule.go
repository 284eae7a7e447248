//go:build linux

package nfqueue

import (
	"encoding/binary"

	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
)

// Rule is what sends a packet to a queue, if somebody listens to it: it passes
// if not. Native is the expression of nftables, which kernels may lack; the
// other is the target of xtables, in tables of one family only.
func Rule(number uint16, native bool) expr.Any {
	if native {
		return &expr.Queue{Num: number, Total: 1, Flag: expr.QueueFlagBypass}
	}
	info := make(xt.Unknown, 8)
	binary.NativeEndian.PutUint16(info, number)
	binary.NativeEndian.PutUint16(info[2:], 1) // queues
	binary.NativeEndian.PutUint16(info[4:], 1) // bypass
	return &expr.Target{Name: "NFQUEUE", Rev: 3, Info: &info}
}
