package netem

import "time"

// A Shape is what happens to the packets that are sent to one address.
type Shape struct {
	// ID is whose doing it is, for the counts. Another ID begins to count
	// anew, even if everything else is the same.
	ID uint64
	// Delay is added to each packet.
	Delay time.Duration
	// Loss is the share of packets, from 0 to 1, that never leave. Reorder is
	// the share, from 0 to 1, that is not delayed and so overtakes others.
	Loss, Reorder float64
}

// A Count is what the kernel says of the packets of an ID so far.
type Count struct {
	// Seen is all of them; Lost and Overtook are parts of it.
	Seen, Lost, Overtook uint64
}

func (c Count) plus(o Count) Count {
	return Count{c.Seen + o.Seen, c.Lost + o.Lost, c.Overtook + o.Overtook}
}
