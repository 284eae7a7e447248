package history

// A lane is one process of a foreign history, under the numbers that it has had
// in ours.
type lane struct {
	process int
	retired bool
	// open is the invocation that waits for its completion, last the last
	// completion; -1 if there is none.
	open, last int
}

// lanes are the processes by the numbers that the foreign history gives them.
type lanes struct {
	// few are those with small numbers, nearly always all.
	few  []lane
	many map[int]*lane
	// next is a number that no process has.
	next int
}

// maxFew bounds how many lanes are kept ready.
const maxFew = 1 << 16

func newLanes(ops []Op) *lanes {
	l := &lanes{many: make(map[int]*lane)}
	for i := range ops {
		l.next = max(l.next, ops[i].Process+1)
	}
	l.few = make([]lane, min(l.next, maxFew))
	for i := range l.few {
		l.few[i] = lane{process: i, open: -1, last: -1}
	}
	return l
}

// of returns the lane of a process, [NoProcess] included.
func (l *lanes) of(process int) *lane {
	if process >= 0 && process < len(l.few) {
		return &l.few[process]
	}
	if known, ok := l.many[process]; ok {
		return known
	}
	made := &lane{process: process, open: -1, last: -1}
	if process == NoProcess {
		made.process = l.next
		l.next++
	}
	l.many[process] = made
	return made
}
