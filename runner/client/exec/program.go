package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
)

// A program is a client.
type program struct {
	process *process
	// again starts another process in its place.
	again   func() (*process, error)
	timeout time.Duration
	last    int
	// broken is why the process is of no use any more.
	broken error
}

// A question is an operation as the program reads it.
type question struct {
	ID    int             `json:"id"`
	F     string          `json:"f"`
	Key   string          `json:"key,omitempty"`
	Value json.RawMessage `json:"value"`
	// TimeoutMS is how long the answer may take.
	TimeoutMS int64 `json:"timeout_ms"`
	Final     bool  `json:"final,omitempty"`
}

// An answer is what the program says about an operation.
type answer struct {
	ID    int             `json:"id"`
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
	Error string          `json:"error"`
}

// Invoke asks the program, as [client.Client] says.
func (p *program) Invoke(ctx context.Context, op history.Op) history.Op {
	value, err := p.ask(ctx, op)
	if err != nil && op.F == "read" {
		err = client.Harmless(err)
	}
	return client.Ended(op, value, err)
}

func (p *program) ask(ctx context.Context, op history.Op) (json.RawMessage, error) {
	if err := p.replace(); err != nil {
		return nil, client.Refused("not sent: %w", err)
	}
	p.last++
	q := question{ID: p.last, F: op.F, Key: op.Key, Value: op.Value, TimeoutMS: p.timeout.Milliseconds(), Final: op.Final}
	if len(q.Value) == 0 {
		q.Value = json.RawMessage("null")
	}
	if err := p.process.tell(q); err != nil {
		p.broken = p.process.explain(err)
		return nil, p.broken // a part of it may have been read
	}
	select {
	case line, ok := <-p.process.lines:
		if !ok {
			p.broken = p.process.explain(errors.New("the program ended without an answer"))
			return nil, p.broken
		}
		return p.read(line)
	case <-ctx.Done():
		p.broken = errors.New("the program did not answer an earlier operation")
		return nil, fmt.Errorf("the program did not answer: %w", ctx.Err())
	}
}

// replace puts another process in the place of one that is of no use. A read
// without an answer is no reason for the runner to open another client, so this
// is for us to do.
func (p *program) replace() error {
	if p.broken == nil {
		return nil
	}
	if err := p.process.close(); err != nil {
		return err
	}
	other, err := p.again()
	if err != nil {
		return err
	}
	p.process, p.last, p.broken = other, 0, nil
	return nil
}

// read takes an answer apart. What is no answer leaves the operation unknown,
// and the program of no use: nobody can tell which answer comes next.
func (p *program) read(line []byte) (json.RawMessage, error) {
	var a answer
	err := json.Unmarshal(line, &a)
	switch {
	case err != nil:
		p.broken = fmt.Errorf("the program wrote what is no answer: %q: %w", clip(line), err)
	case a.ID != p.last:
		p.broken = fmt.Errorf("the program answered operation %d, and was asked %d", a.ID, p.last)
	case a.Type == "ok" && a.Value == nil:
		return nil, nil
	case a.Type == "ok":
		return a.Value, nil
	case a.Type == "fail":
		return nil, refused(a)
	case a.Type == "info":
		return nil, errors.New(orElse(a.Error, "the program says that nobody knows"))
	default:
		p.broken = fmt.Errorf("the program answered with the type %q, and there are ok, fail and info", a.Type)
	}
	return nil, p.broken
}

// refused is the error of what failed, with the value that it ended with, if it
// says one.
func refused(a answer) error {
	none := &client.NoEffect{Err: errors.New(orElse(a.Error, "the program says that it failed"))}
	if string(a.Value) != "null" {
		none.Value = a.Value
	}
	return none
}

// Close ends the program.
func (p *program) Close() error { return p.process.close() }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
