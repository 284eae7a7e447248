package invariant

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

const (
	// DefaultCommandTimeout is how long a program may take that has no timeout.
	DefaultCommandTimeout = time.Minute
	// maxOutput is how much a program may write to its stdout.
	maxOutput = 4 << 20
	// maxStderr is how much of its stderr is kept: the end.
	maxStderr = 4 << 10
	// killGrace is how long we wait for a killed program's pipes to close.
	killGrace = 2 * time.Second
)

// A Command is a checker that somebody else wrote, in any language: a program
// that reads history.jsonl from stdin, all of it, and writes one JSON object:
//
//	{"verdict": "violation", "says": ["…"], "evidence": [10, 17], "counts": {"reads": 4}}
//
// Only verdict is needed; it is "valid", "violation" or "unknown". The program
// ends with status 0, or with that of its verdict: 0 valid, 1 violation,
// 2 unknown. All that is not so is Unknown, with what the program wrote to stderr.
// A program that stopped reading before the end cannot have found the history
// valid; but what fits into a pipe (64 KiB on Linux) counts as read.
//
// A program is not in the sandbox: it may do all that the user may.
type Command struct {
	Title, Says, Origin string
	// Argv is the program and its arguments.
	Argv []string
	// Dir is where it runs; empty means the current folder.
	Dir string
	// Timeout bounds it; zero means [DefaultCommandTimeout].
	Timeout time.Duration
}

// Name returns the title of the check.
func (c *Command) Name() string { return c.Title }

// An answer is what a program writes.
type answer struct {
	Verdict  *checkers.Verdict `json:"verdict"`
	Says     []string          `json:"says"`
	Evidence []int             `json:"evidence"`
	Counts   map[string]int64  `json:"counts"`
}

// Check runs the program on h; see [checkers.Checker].
func (c *Command) Check(ctx context.Context, h *history.History) checkers.Result {
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = DefaultCommandTimeout
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if len(c.Argv) == 0 {
		return c.unknown("there is no program to run", "")
	}
	ran := c.run(limited, h)
	switch {
	case ctx.Err() != nil:
		return c.unknown("the time of the check was up, and it was killed", ran.stderr)
	case limited.Err() != nil:
		return c.unknown(fmt.Sprintf("it did not end within %v, and was killed", timeout), ran.stderr)
	case ran.err != nil:
		return c.unknown(ran.err.Error(), ran.stderr)
	}
	a, err := readAnswer(ran.stdout, len(h.Ops))
	if err != nil {
		return c.unknown(err.Error()+withStatus(ran.status), ran.stderr)
	}
	if err := agree(*a.Verdict, ran); err != nil {
		return c.unknown(err.Error(), ran.stderr)
	}
	return c.result(a)
}

func withStatus(status int) string {
	if status == 0 {
		return ""
	}
	return fmt.Sprintf("; it ended with status %d", status)
}

// agree reports what does not fit together in what a program did and said.
func agree(v checkers.Verdict, ran run) error {
	want := map[checkers.Verdict]int{checkers.Valid: 0, checkers.Violation: 1, checkers.Unknown: 2}[v]
	switch {
	case ran.status != 0 && ran.status != want:
		return fmt.Errorf("it said %v, but ended with status %d", v, ran.status)
	case v == checkers.Valid && !ran.readAll:
		return errors.New("it said valid, but did not read the history to its end")
	}
	return nil
}

func (c *Command) result(a answer) checkers.Result {
	r := checkers.Result{Check: c.Title, Verdict: *a.Verdict, Evidence: a.Evidence, Counts: a.Counts}
	r.Rule = &checkers.Rule{Says: sentence(c.Says), Origin: c.Origin, Evaluated: 1, Event: -1}
	if r.Verdict == checkers.Violation {
		r.Rule.Broken = 1
	}
	if promise := sentence(c.Says); promise != "" && r.Verdict == checkers.Violation {
		head := "Broken: " + promise
		if c.Origin != "" {
			head += fmt.Sprintf(" (It comes from: %s.)", strings.TrimSuffix(c.Origin, "."))
		}
		r.Says = append(r.Says, head)
	}
	r.Says = append(r.Says, a.Says...)
	if len(a.Says) == 0 {
		r.Says = append(r.Says, fmt.Sprintf("%s answered %v and said no more.", c.Argv[0], r.Verdict))
	}
	return r
}

func (c *Command) unknown(why, stderr string) checkers.Result {
	program := "its program"
	if len(c.Argv) > 0 {
		program = c.Argv[0]
	}
	r := checkers.Result{Check: c.Title, Says: []string{fmt.Sprintf("The checker %s gave no verdict: %s.", program, why)}}
	r.Rule = &checkers.Rule{Says: sentence(c.Says), Origin: c.Origin, Event: -1}
	if stderr != "" {
		r.Says = append(r.Says, "It wrote to stderr: "+stderr)
	}
	return r
}

// readAnswer reads exactly one JSON object.
func readAnswer(stdout []byte, events int) (answer, error) {
	var a answer
	decoder := json.NewDecoder(bytes.NewReader(stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&a); err != nil {
		if errors.Is(err, io.EOF) {
			return a, errors.New("it wrote nothing to stdout")
		}
		return a, fmt.Errorf("its answer cannot be read: %w; it began with %q", err, say.Cut(string(stdout), 80))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return a, errors.New("it wrote more than one JSON object")
	}
	if a.Verdict == nil {
		return a, errors.New(`its answer has no "verdict"`)
	}
	for _, e := range a.Evidence {
		if e < 0 || e >= events {
			return a, fmt.Errorf("its evidence names event %d, but the history has the events 0 to %d", e, events-1)
		}
	}
	return a, nil
}

// A run is what came of running a program.
type run struct {
	stdout  []byte
	stderr  string
	status  int
	readAll bool
	err     error
}

// run runs the program to its end, or kills it, and waits for it either way.
func (c *Command) run(ctx context.Context, h *history.History) run {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Dir = c.Dir
	cmd.WaitDelay = killGrace
	killWhole(cmd)
	stdout := &limitedBuffer{limit: maxOutput, full: cancel}
	stderr := &tail{limit: maxStderr}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	feed := newFeeder(h)
	cmd.Stdin = feed
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) && cmd.Cancel != nil {
		_ = cmd.Cancel() // what the program left behind goes too; there may be nothing
	}
	feed.stop.Store(true)
	r := run{stdout: stdout.data, stderr: stderr.String(), readAll: feed.ended.Load()}
	var exit *exec.ExitError
	switch {
	case stdout.over:
		r.err = fmt.Errorf("it wrote more than %d bytes to stdout, and was killed", maxOutput)
	case errors.As(err, &exit) && exit.Exited():
		r.status = exit.ExitCode()
	case errors.As(err, &exit):
		r.err = fmt.Errorf("it was ended: %s", exit.ProcessState)
	case cmd.ProcessState == nil && err != nil:
		r.err = fmt.Errorf("it could not be started: %w", err)
	case errors.Is(err, exec.ErrWaitDelay):
		r.err = errors.New("it ended, but something it started still held its output")
	case err != nil && !r.readAll && cmd.ProcessState != nil:
		r.status = cmd.ProcessState.ExitCode() // it did not read to the end
	case err != nil:
		r.err = err
	}
	return r
}

// A feeder is the history as JSON lines.
type feeder struct {
	ops   []history.Op
	line  []byte
	ended atomic.Bool // the program asked for what comes after the last line
	stop  atomic.Bool
}

func newFeeder(h *history.History) *feeder { return &feeder{ops: h.Ops} }

func (f *feeder) Read(p []byte) (int, error) {
	for len(f.line) == 0 {
		if f.stop.Load() {
			return 0, io.ErrClosedPipe
		}
		if len(f.ops) == 0 {
			f.ended.Store(true)
			return 0, io.EOF
		}
		if err := f.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.line)
	f.line = f.line[n:]
	return n, nil
}

// feedLines is how many lines are written at a time.
const feedLines = 256

func (f *feeder) fill() error {
	var lines bytes.Buffer
	out := bufio.NewWriter(&lines)
	encoder := json.NewEncoder(out)
	n := min(feedLines, len(f.ops))
	for i := range n {
		if err := encoder.Encode(f.ops[i]); err != nil {
			return fmt.Errorf("write event %d: %w", f.ops[i].Index, err)
		}
	}
	f.ops = f.ops[n:]
	err := out.Flush()
	f.line = lines.Bytes()
	return err
}

// A limitedBuffer keeps what a program writes, and calls full when it is too much.
type limitedBuffer struct {
	data  []byte
	limit int
	over  bool
	full  func()
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if len(b.data)+len(p) > b.limit {
		b.over = true
		b.full()
		return 0, errors.New("too much output")
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

// A tail keeps the end of what is written to it.
type tail struct {
	data  []byte
	limit int
	lost  bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if over := len(t.data) - t.limit; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
		t.lost = true
	}
	return len(p), nil
}

func (t *tail) String() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.data), "?"))
	if t.lost {
		text = "… " + text
	}
	return text
}
