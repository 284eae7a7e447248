package slow

import "container/heap"

// A packet is one that the kernel holds for us.
type packet struct {
	id        uint32 // by which the kernel knows it
	came, due int64  // nanoseconds
	number    uint64 // in which order they came
	link      *link
	spoiled   *spoiled // nil: it is as it came
}

// held is the packets that are held, the first to be let go first; of those
// due at the same time, the first to come. It is a [heap.Interface].
type held struct {
	packets []packet
	count   uint64
}

func (h *held) Len() int { return len(h.packets) }

func (h *held) Less(i, j int) bool {
	a, b := &h.packets[i], &h.packets[j]
	return a.due < b.due || a.due == b.due && a.number < b.number
}

func (h *held) Swap(i, j int) { h.packets[i], h.packets[j] = h.packets[j], h.packets[i] }

// Push is for package heap.
func (h *held) Push(x any) { h.packets = append(h.packets, x.(packet)) }

// Pop is for package heap.
func (h *held) Pop() any {
	last := h.packets[len(h.packets)-1]
	h.packets = h.packets[:len(h.packets)-1]
	return last
}

func (h *held) add(p packet) {
	h.count++
	p.number = h.count
	heap.Push(h, p)
}

// next takes out the first packet if it is due.
func (h *held) next(now int64) (packet, bool) {
	if len(h.packets) == 0 || h.packets[0].due > now {
		return packet{}, false
	}
	return heap.Pop(h).(packet), true
}

// wait is how long the next packet is not due yet; negative if there is none.
func (h *held) wait(now int64) int64 {
	if len(h.packets) == 0 {
		return -1
	}
	return max(0, h.packets[0].due-now)
}

// release makes due at once, in their order, what is held for links on which
// no fault acts any more.
func (h *held) release(now int64) {
	for i := range h.packets {
		if p := &h.packets[i]; len(p.link.effects) == 0 {
			p.due = min(p.due, now)
		}
	}
	heap.Init(h)
}
