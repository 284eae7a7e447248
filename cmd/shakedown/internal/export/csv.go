package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// writeCSV writes a line for each operation, with the faults that may have been
// in force meanwhile. Times are nanoseconds. Values are JSON; an end that never
// came is empty.
func writeCSV(w io.Writer, s Source) error {
	out := csv.NewWriter(w)
	err := out.Write([]string{"index", "process", "client", "node", "f", "key", "invoked", "outcome", "value", "start_ns", "end_ns", "took_ns", "final", "error", "phase", "faults"})
	if err != nil {
		return err
	}
	c := context{faults: s.History.Faults(), phases: s.History.Phases(), end: s.end()}
	for _, o := range s.History.Operations() {
		if s.Key != "" && o.Invoke.Key != s.Key {
			continue
		}
		if err := out.Write(csvLine(s, c, o)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func csvLine(s Source, c context, o history.Operation) []string {
	in := o.Invoke
	line := []string{
		strconv.Itoa(in.Index), strconv.Itoa(in.Process), strconv.Itoa(s.lane(in.Process)), harmless(in.Node), harmless(in.F), harmless(in.Key),
		string(in.Value), o.Type().String(), "", strconv.FormatInt(int64(in.Time), 10), "", "", strconv.FormatBool(in.Final), "",
		harmless(c.phase(in.Time)), harmless(strings.Join(c.during(o), " ")),
	}
	if done := o.Complete; done != nil {
		line[8], line[10], line[13] = string(done.Value), strconv.FormatInt(int64(done.Time), 10), harmless(done.Error)
		line[11] = strconv.FormatInt(int64(done.Time-in.Time), 10)
	}
	return line
}

// harmless keeps a spreadsheet from taking text for a formula.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// A context is what went on around operations.
type context struct {
	faults []history.FaultWindow
	phases []history.PhaseWindow
	end    time.Duration
}

// phase is the phase at a moment, "" if there was none.
func (c context) phase(at time.Duration) string {
	for _, p := range c.phases {
		if at >= p.From && at < p.To {
			return p.Name
		}
	}
	return ""
}

// during are the faults that may have been in force while an operation went on.
// One that never ended goes on until the end of the history.
func (c context) during(o history.Operation) []string {
	until := c.end
	if o.Complete != nil {
		until = o.Complete.Time
	}
	var ids []string
	for _, f := range c.faults {
		if f.Covers(o.Start(), until) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}
