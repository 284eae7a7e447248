package foreign

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// ReadLeeMathur reads the histories of PolyLin, fastlin and fptlin (Lee and
// Mathur): a header that names the type, then an operation a line, with when
// it began and ended, in one of three orders:
//
//	# queue
//	enq 1 0 5
//	3 deq 1 4 6
//	3 4 6 DEQ 1
//
// that is method, value, start, end; or process, method, value, start, end; or
// process, start, end, method, value and, where there is one, the answer. All
// operations are ok. An operation that ends when another starts was before it.
// Where there is no process, each operation has one of the processes that are
// free. -1 is what an empty object answers, null. contains_true v is contains
// [v,true]; READ_MODIFY_WRITE a b is cas [a,b], on a register that is 0 at first.
// Of a priority queue the greatest comes first.
func ReadLeeMathur(r io.Reader) (*history.History, error) {
	var spans []span
	kind := ""
	err := lines(r, LeeMathur, func(line []byte, number int) error {
		if line[0] == '#' {
			if kind == "" {
				kind = strings.TrimSpace(string(line[1:]))
			}
			return nil
		}
		s, err := parseSpan(bytes.Fields(line), kind)
		s.line = number
		spans = append(spans, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := allot(spans); err != nil {
		return nil, fmt.Errorf("read %v: %w", LeeMathur, err)
	}
	return spanHistory(spans)
}

// A span is an operation with its interval.
type span struct {
	process    int // -1 if the format gives none
	start, end int64
	f          string
	asked      json.RawMessage
	answer     json.RawMessage
	line       int
}

// parseSpan reads an operation from the words of its line.
func parseSpan(words [][]byte, kind string) (span, error) {
	method := slices.IndexFunc(words, func(w []byte) bool { return w[0] >= 'A' })
	var numbers []int64
	for i, word := range words {
		if i == method {
			continue
		}
		n, err := strconv.ParseInt(string(word), 10, 64)
		if err != nil {
			return span{}, fmt.Errorf("%.40q is not a number", word)
		}
		numbers = append(numbers, n)
	}
	s := span{process: -1}
	var values []int64
	switch {
	case method == 0 && len(numbers) == 3:
		values, s.start, s.end = numbers[:1], numbers[1], numbers[2]
	case method == 1 && len(numbers) == 4:
		s.process, values, s.start, s.end = int(numbers[0]), numbers[1:2], numbers[2], numbers[3]
	case method == 3 && len(numbers) >= 4:
		s.process, s.start, s.end, values = int(numbers[0]), numbers[1], numbers[2], numbers[3:]
	default:
		return s, errors.New("not an operation: neither METHOD VALUE START END nor PROCESS START END METHOD VALUE")
	}
	if s.start < 0 || s.end < s.start || s.process < -1 || method > 0 && s.process < 0 {
		return s, fmt.Errorf("process %d, from %d to %d: there is no such operation", s.process, s.start, s.end)
	}
	return s, s.means(strings.ToLower(string(words[method])), kind, values)
}

// means fills in what the operation is.
func (s *span) means(method, kind string, values []int64) error {
	if kind == "set" || strings.HasPrefix(method, "contains") {
		return s.meansSet(method, values)
	}
	want := 1
	s.f = method
	s.answer = fmt.Append(nil, values[0])
	switch method {
	case "enq":
		s.f, s.asked = "enqueue", s.answer
	case "deq":
		s.f = "dequeue"
	case "push", "insert", "push_front", "push_back":
		s.asked = s.answer
	case "pop", "poll", "peek", "pop_front", "pop_back", "peek_front", "peek_back":
	case "incr", "decr":
		s.answer = fmt.Append(nil, values[0] != 0)
	case "read_modify_write":
		want = 2
	default:
		return fmt.Errorf("unknown method %.40q", method)
	}
	if len(values) != want {
		return fmt.Errorf("%s has %d values, not %d", method, len(values), want)
	}
	if want == 2 {
		s.f, s.asked = "cas", fmt.Appendf(nil, "[%d,%d]", values[0], values[1])
		s.answer = s.asked
	}
	if s.asked == nil && string(s.answer) == "-1" {
		s.answer = nil
	}
	return nil
}

// meansSet fills in an operation on a set. Without an answer, it is what the
// method's name says, and true if that says nothing.
func (s *span) meansSet(method string, values []int64) error {
	name, said, _ := strings.Cut(method, "_")
	answer := said != "false"
	if len(values) == 2 {
		answer = values[1] != 0
	}
	names := map[string]string{"insert": "add", "add": "add", "remove": "remove", "contains": "contains"}
	if s.f = names[name]; s.f == "" || len(values) > 2 || said != "" && said != "true" && said != "false" {
		return fmt.Errorf("unknown method %.40q of a set, or %d values", method, len(values))
	}
	s.asked = fmt.Append(nil, values[0])
	s.answer = fmt.Appendf(nil, "[%d,%t]", values[0], answer)
	return nil
}

// allot gives processes to operations that have none, and makes sure that no
// process does two things at a time.
func allot(spans []span) error {
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	busy := make(map[int]int64) // until when
	var all []int64             // the same for processes of our own, by number
	for i := range spans {
		s := &spans[i]
		if s.process < 0 {
			free := slices.IndexFunc(all, func(until int64) bool { return until <= s.start })
			if free < 0 {
				free, all = len(all), append(all, 0)
			}
			s.process, all[free] = free, s.end
			continue
		}
		if until, ok := busy[s.process]; ok && s.start < until {
			return fmt.Errorf("line %d: process %d begins at %d, but is busy until %d", s.line, s.process, s.start, until)
		}
		busy[s.process] = s.end
	}
	return nil
}

// An edge is the beginning or the end of a span. At the same time come first
// the ends of what began before, then what begins and ends then, then the
// beginnings of the rest.
type edge struct {
	at    int64
	place int
	span  int
	op    history.Op
}

// spanHistory makes a history of spans, which are in the order of their starts.
func spanHistory(spans []span) (*history.History, error) {
	edges := make([]edge, 0, 2*len(spans))
	for i, s := range spans {
		from, to := 2, 0
		if s.start == s.end {
			from, to = 1, 1
		}
		op := history.Op{Index: history.NoIndex, Process: s.process, F: s.f, Value: s.asked, Time: time.Duration(s.start)}
		edges = append(edges, edge{s.start, from, i, op})
		op.Type, op.Value, op.Time = history.OK, s.answer, time.Duration(s.end)
		edges = append(edges, edge{s.end, to, i, op})
	}
	slices.SortStableFunc(edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.place, b.place), cmp.Compare(a.span, b.span))
	})
	ops := make([]history.Op, len(edges))
	for i := range edges {
		ops[i] = edges[i].op
	}
	h, err := history.Mend(ops, func(i int) int { return spans[edges[i].span].line })
	if err != nil {
		return nil, fmt.Errorf("read %v: %w", LeeMathur, err)
	}
	return h, nil
}
