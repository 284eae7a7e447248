package object

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers/linear"
)

// containers are the models of what values are put into and taken out of.
func containers(o Options) []model {
	sign := 1
	if o.Smallest {
		sign = -1
	}
	return []model{
		{
			Model: Model{"queue", "enqueue of a value, dequeue, peek; null means that it was empty; first in, first out"},
			pick:  always(linear.Queue), step: stepContainer(linear.Queue), read: readContainer,
		},
		{
			Model: Model{"stack", "push of a value, pop, peek; null means that it was empty; last in, first out"},
			pick:  always(linear.Stack), step: stepContainer(linear.Stack), read: readContainer,
		},
		{
			Model: Model{"priority-queue", "insert of a number, poll, peek; null means that it was empty; the largest comes first"},
			pick:  always(linear.PriorityQueue), step: stepContainer(linear.PriorityQueue), read: readPriority(sign),
		},
		{
			Model: Model{"bag", "enqueue of a value, dequeue; null means that it was empty; values come out in any order"},
			pick:  always(linear.Bag), step: stepBag, many: true, read: readBag,
		},
		{
			Model: Model{"deque", "push_front and push_back of a value, pop_front, pop_back, peek_front, peek_back; null means that it was empty"},
			pick:  never, step: stepDeque, traces: traceDeque, read: readDeque,
		},
	}
}

// verbs are what the field calls the operations of containers.
func verb(f string) linear.Kind {
	switch f {
	case "enqueue", "enq", "push", "put", "insert", "add", "offer":
		return linear.Put
	case "dequeue", "deq", "pop", "take", "poll", "remove", "delete-max", "delete-min":
		return linear.Take
	case "peek":
		return linear.Peek
	}
	return linear.Read
}

func readContainer(t *thing, a *act) error {
	switch kind := verb(a.op.Invoke.F); {
	case kind == linear.Put:
		return a.does(kind, t.number(a.given()))
	case kind == linear.Read:
		return errStrange
	case a.unknown && kind == linear.Peek:
		return errNothing
	case a.unknown:
		return a.does(kind, 0)
	case isNull(a.answer()):
		return a.does(linear.Empty, 0)
	default:
		return a.does(kind, t.number(a.answer()))
	}
}

// readPriority is readContainer for values that are in order.
func readPriority(sign int) func(t *thing, a *act) error {
	return func(t *thing, a *act) error {
		if err := readContainer(t, a); err != nil || a.lin.Kind == linear.Empty || a.unknown && a.lin.Kind == linear.Take {
			return err
		}
		value := a.answer()
		if a.lin.Kind == linear.Put {
			value = a.given()
		}
		n, err := integer(value)
		a.lin.Value = sign * n
		return err
	}
}

// Sequences of values are texts, each value behind a separator.
const separator = "\x1f"

// readBag reads the operations of a bag as calls, too.
func readBag(t *thing, a *act) error {
	if err := readContainer(t, a); err != nil {
		return err
	}
	if a.lin.Kind == linear.Peek {
		return errStrange
	}
	return readCall(t, a)
}

// stepBag: what is taken is in it. Nobody knows what an unknown taker took.
func stepBag(state string, a *act) []string {
	switch {
	case verb(a.f) == linear.Put:
		return []string{state + separator + a.arg}
	case a.unknown:
		all := []string{state}
		for _, value := range strings.Split(state, separator)[1:] {
			all = append(all, strikeOut(state, value)...)
		}
		return all
	case a.out == null && state != "":
		return nil
	case a.out == null:
		return []string{state}
	}
	return strikeOut(state, a.out)
}

// strikeOut takes a value out of a sequence; nothing if it is not there.
func strikeOut(state, value string) []string {
	before, after, found := strings.Cut(state+separator, separator+value+separator)
	if !found {
		return nil
	}
	return []string{before + strings.TrimSuffix(separator+after, separator)}
}

// stepContainer has the numbers of the values, in the order in which they were
// put, or of their size.
func stepContainer(object linear.Object) func(state string, a *act) []string {
	return func(state string, a *act) []string {
		values := strings.Split(state, separator)[1:]
		front := len(values) - 1
		if object == linear.Queue {
			front = 0
		}
		value := strconv.Itoa(a.lin.Value)
		switch kind := a.lin.Kind; {
		case kind == linear.Put && object == linear.PriorityQueue:
			at := slices.IndexFunc(values, func(v string) bool { return larger(v, a.lin.Value) })
			if at < 0 {
				at = len(values)
			}
			return []string{sequence(slices.Insert(values, at, value))}
		case kind == linear.Put:
			return []string{state + separator + value}
		case len(values) == 0 && (a.unknown || kind == linear.Empty):
			return []string{state}
		case len(values) == 0 || kind == linear.Empty || !a.unknown && values[front] != value:
			return nil
		case kind == linear.Peek:
			return []string{state}
		}
		return []string{sequence(slices.Delete(values, front, front+1))}
	}
}

func larger(text string, than int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > than
}

// traceDeque: what is pushed is there until it is popped.
func traceDeque(a *act) (leaves, sees []string) {
	switch {
	case a.lin.Kind == linear.Put:
		return []string{a.arg}, nil
	case !a.unknown && a.out != null:
		return nil, []string{a.out}
	}
	return nil, nil
}

func readDeque(t *thing, a *act) error {
	what, end, _ := strings.Cut(a.f, "_")
	kind, known := map[string]linear.Kind{"push": linear.Put, "pop": linear.Take, "peek": linear.Peek}[what]
	if !known || end != "front" && end != "back" {
		return errStrange
	}
	if kind == linear.Peek && a.unknown {
		return errNothing
	}
	a.lin.Kind = kind
	return readCall(t, a)
}

func stepDeque(state string, a *act) []string {
	what, end, _ := strings.Cut(a.f, "_")
	front := end == "front"
	switch {
	case what == "push" && front:
		return []string{separator + a.arg + state}
	case what == "push":
		return []string{state + separator + a.arg}
	case state == "" && (a.unknown || a.out == null):
		return []string{state}
	case state == "":
		return nil
	}
	at := strings.LastIndex(state, separator)
	seen, rest := state[at+1:], state[:at]
	if front {
		at = strings.Index(state[1:]+separator, separator) + 1
		seen, rest = state[1:at], state[at:]
	}
	switch {
	case !a.unknown && seen != a.out:
		return nil
	case what == "peek":
		return []string{state}
	}
	return []string{rest}
}
