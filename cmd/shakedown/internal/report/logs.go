package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// The limits of what a page takes from the logs of a node.
const (
	maxLogBytes  = 32 << 20 // of one file that are read
	maxLogLine   = 400      // bytes of a line that are shown
	shownLines   = 40       // lines of a node that are shown
	maxMarks     = 4000     // marks of all nodes together
	maxLogMemory = 200_000  // lines of a node that are kept while the page is made
)

// A nodeLog is what a node left behind.
type nodeLog struct {
	Node  string
	Lines []logLine
	State nodeState
	// Problem says why there is no more.
	Problem string
}

// A logLine is one line of a node's log. At is its moment on the axis of the
// history; Timed is false where the line does not say, or cannot be believed.
type logLine struct {
	At    time.Duration
	Timed bool
	File  string
	Text  string
}

// nodeState is what docker says of a node's container.
type nodeState struct {
	Known        bool
	RestartCount int
	State        struct {
		Status     string
		ExitCode   int
		OOMKilled  bool
		Error      string
		StartedAt  string
		FinishedAt string
	}
}

// readLogs reads what the nodes left behind, node by node. A node whose files
// cannot be read says so and is no error: a report must never break a run.
func readLogs(r Run, windows []history.FaultWindow) []nodeLog {
	if r.Logs == nil {
		return nil
	}
	entries, err := fs.ReadDir(r.Logs, ".")
	if err != nil {
		return nil
	}
	offsets := clockOffsets(r.History)
	var out []nodeLog
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		n := nodeLog{Node: e.Name(), State: readState(r.Logs, e.Name())}
		clock := logClock{zero: r.Zero, steps: stepsOf(offsets, e.Name())}
		for _, file := range []string{"stdout.log", "stderr.log"} {
			if err := n.read(r.Logs, file, clock); err != nil {
				n.Problem = err.Error()
			}
		}
		slices.SortStableFunc(n.Lines, func(a, b logLine) int {
			if !a.Timed || !b.Timed {
				return 0
			}
			return int(a.At - b.At)
		})
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b nodeLog) int { return compareNodes(a.Node, b.Node) })
	return out
}

func readState(logs fs.FS, node string) nodeState {
	text, err := fs.ReadFile(logs, path.Join(node, "inspect.json"))
	if err != nil {
		return nodeState{}
	}
	var s nodeState
	s.Known = json.Unmarshal(text, &s) == nil
	return s
}

// read takes in a log file. A line without a time of its own belongs to the
// moment of the line before it.
func (n *nodeLog) read(logs fs.FS, file string, clock logClock) error {
	f, err := logs.Open(path.Join(n.Node, file))
	if err != nil {
		return fmt.Errorf("%s cannot be read", file)
	}
	defer f.Close()
	last := logLine{}
	r := bufio.NewReaderSize(io.LimitReader(f, maxLogBytes), 64<<10)
	for {
		text, err := readLine(r)
		if err != nil {
			return nil // the end, or as far as it can be read
		}
		line := logLine{File: file, Text: text, At: last.At, Timed: last.Timed}
		if at, ok := clock.read(text); ok {
			line.At, line.Timed = at, true
		}
		last = line
		n.Lines = append(n.Lines, line)
		if len(n.Lines) >= maxLogMemory {
			n.Problem = fmt.Sprintf("only the first %d lines were read", maxLogMemory)
			return nil
		}
	}
}

// readLine reads a line and keeps no more of it than is shown.
func readLine(r *bufio.Reader) (string, error) {
	var kept []byte
	for {
		part, more, err := r.ReadLine()
		if err != nil {
			return "", err
		}
		if room := maxLogLine*2 - len(kept); room > 0 {
			kept = append(kept, part[:min(len(part), room)]...)
		}
		if !more {
			return clip(strings.ToValidUTF8(string(kept), "�"), maxLogLine), nil
		}
	}
}

var stampPattern = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?`)

// A logClock turns the times in a log into moments of the history. The node's
// clock was perhaps set off by us: steps undo that.
type logClock struct {
	zero  time.Time
	steps []clockStep
}

// read finds the time in a line, near its beginning.
func (c logClock) read(line string) (time.Duration, bool) {
	if c.zero.IsZero() {
		return 0, false
	}
	stamp := stampPattern.FindString(line[:min(len(line), 80)])
	if stamp == "" {
		return 0, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, stamp); err == nil {
			return c.real(t.Sub(c.zero)), true
		}
	}
	return 0, false
}

// real takes the offset off that the node's clock had: of the stretches of time
// with a known offset, the one into which the time falls once it is taken off.
func (c logClock) real(shown time.Duration) time.Duration {
	for i, s := range c.steps {
		at := shown - time.Duration(s.Offset)*time.Microsecond
		over := i+1 < len(c.steps) && micros(at) >= c.steps[i+1].At
		if s.Offset != 0 && micros(at) >= s.At && !over {
			return at
		}
	}
	return shown
}
