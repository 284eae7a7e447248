package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A row of the table that Describe makes: index, time, process, type, f, key,
// value, node, and remarks.
type row [9]string

// maxColumn is how wide a column may get. A cell that is longer shifts the
// rest of its line, instead of pushing all lines apart.
const maxColumn = 24

// String returns the event on one line, in the words of [History.Describe].
func (op Op) String() string {
	var words []string
	for _, cell := range op.row() {
		if cell != "" {
			words = append(words, cell)
		}
	}
	return strings.Join(words, " ")
}

// String returns what [History.Describe] writes.
func (h *History) String() string {
	var s strings.Builder
	_ = h.Describe(&s) // a strings.Builder has no errors
	return s.String()
}

// Describe writes one aligned line per event, to be read by a person or pasted
// into an issue. The error is that of w.
func (h *History) Describe(w io.Writer) error {
	var widths columns
	for i := range h.Ops {
		widths.fit(h.Ops[i].row())
	}
	out := bufio.NewWriter(w)
	for i := range h.Ops {
		out.WriteString(widths.line(h.Ops[i].row()))
	}
	if h.Truncated {
		out.WriteString("(the last line of the file was cut short and is left out)\n")
	}
	return out.Flush()
}

// columns are the widths of the columns of a table.
type columns [len(row{})]int

func (widths *columns) fit(r row) {
	for i, cell := range r {
		if n := utf8.RuneCountInString(cell); n > widths[i] && n <= maxColumn {
			widths[i] = n
		}
	}
}

func (widths *columns) line(r row) string {
	var b strings.Builder
	for i, cell := range r {
		pad := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell)))
		if i < 2 { // numbers to the right
			b.WriteString(pad + cell + "  ")
		} else {
			b.WriteString(cell + pad + "  ")
		}
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}

func (op *Op) row() row {
	r := row{strconv.Itoa(op.Index), seconds(op.Time), processName(op.Process), op.Type.String(), oneLine(op.F)}
	if op.Process == Nemesis {
		r[5] = oneLine(describeNemesis(op))
		return r
	}
	r[5], r[6], r[7], r[8] = oneLine(op.Key), "null", oneLine(op.Node), oneLine(op.Error)
	if len(op.Value) > 0 {
		r[6] = oneLine(string(op.Value))
	}
	if op.Final {
		r[8] = strings.TrimSpace("final " + r[8])
	}
	return r
}

// seconds is a time with all its microseconds, so that columns stand.
func seconds(t time.Duration) string {
	return strconv.FormatFloat(t.Seconds(), 'f', 6, 64) + "s"
}

func processName(process int) string {
	if process == Nemesis {
		return "nemesis"
	}
	return "p" + strconv.Itoa(process)
}

// oneLine quotes what would break out of its line or hide in it.
func oneLine(s string) string {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

// describeNemesis says the value of a nemesis event in words. A value that it
// cannot read it shows as it is.
func describeNemesis(op *Op) string {
	if phase, ok := phaseOf(op); ok {
		return phase
	}
	if op.F == "plan" {
		var a Announcement
		if json.Unmarshal(op.Value, &a) == nil {
			return fmt.Sprintf("%s, seed %d, nodes %s, %d clients, %d faults, %d final reads",
				a.Scenario, a.Seed, strings.Join(a.Nodes, " "), a.Clients, len(a.Faults), a.FinalReads)
		}
	}
	var event FaultEvent
	if !isFault(op) || json.Unmarshal(op.Value, &event) != nil {
		return string(op.Value)
	}
	return describeFault(event)
}

func describeFault(event FaultEvent) string {
	s := string(event.Stage) + " " + event.ID
	if len(event.Nodes) > 0 {
		s += " on " + strings.Join(event.Nodes, " ")
	}
	if event.Role != "" {
		s += " (" + event.Role + ")"
	}
	for _, more := range []string{event.Says, event.Evidence, event.Error} {
		if more != "" {
			s += "; " + more
		}
	}
	return s
}
