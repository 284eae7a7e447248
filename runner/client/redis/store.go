package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	redis "github.com/redis/go-redis/v9"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A store is a client. It reads from its own node; what changes something goes
// there as well, or to the primary that its node follows.
type store struct {
	own *link
	// primary is where writes go; nil until it is known, own if they go there.
	primary *link
	here    bool
	// wait is how many replicas must have what was written, patience how long
	// that may take.
	wait     int
	patience time.Duration
	tasks    client.Tasks
	// endRenewal ends the renewal of the lock that the client holds.
	endRenewal func()
}

func newStore(own *link, c scenarios.Client, w scenarios.Workload) *store {
	s := &store{
		own: own, here: c.Writes != "primary", wait: c.Wait, patience: max(w.Timeout*3/4, 10*time.Millisecond), endRenewal: func() {},
	}
	registers := client.Tasks{"read": s.read, "write": s.write, "cas": s.cas}
	s.tasks = map[string]client.Tasks{
		"":               registers,
		"register":       registers,
		"cas-register":   registers,
		"append":         {"txn": s.txn(true)},
		"rw-register":    {"txn": s.txn(false)},
		"long-fork":      {"txn": s.txn(false)},
		"bank":           {"transfer": s.transfer, "read": s.balances},
		"write-skew":     {"insert": s.insert},
		"set":            {"add": s.add, "read": s.elements},
		"causal-reverse": {"write": s.add, "read": s.elements},
		"queue":          {"enqueue": s.enqueue, "dequeue": s.dequeue, "drain": s.drain},
		"counter":        {"add": s.increment, "read": s.count},
		"unique-ids":     {"generate": s.generate},
		"lock":           {"acquire": s.acquire(max(c.Lease, time.Second)), "write": s.guarded(!c.Unfenced), "release": s.release},
		"log":            {"send": s.send, "poll": s.poll()},
		"sequential":     {"write": s.writeRow, "read": s.readRow},
	}[w.Use]
	return s
}

// Invoke carries out op, as [client.Client] says.
func (s *store) Invoke(ctx context.Context, op history.Op) history.Op {
	return s.tasks.Invoke(ctx, op)
}

// Close gives up the connections, and the lock that they kept.
func (s *store) Close() error {
	s.endRenewal()
	s.forget()
	if err := s.own.Close(); err != nil {
		return fmt.Errorf("close redis client: %w", err)
	}
	return nil
}

// forget gives up the connection to the primary, so that it is asked for anew.
func (s *store) forget() {
	if s.primary != nil && s.primary != s.own {
		closeQuietly(s.primary)
	}
	s.primary = nil
}

// change carries out what changes something, where that is to be done, and if
// asked to waits for replicas to have it. Its error says what is known.
func (s *store) change(ctx context.Context, do func(*link) error) error {
	to, err := s.target(ctx)
	if err != nil {
		return client.Harmless(err)
	}
	to.sent.set.Store(false)
	if err := effect(to.sent, do(to)); err != nil {
		s.forget()
		return err
	}
	return s.replicated(ctx, to)
}

// target returns the connection for what changes something.
func (s *store) target(ctx context.Context) (*link, error) {
	if s.here {
		return s.own, nil
	}
	if s.primary != nil {
		return s.primary, nil
	}
	r, err := role(ctx, s.own)
	if err != nil {
		return nil, fmt.Errorf("ask for the primary: %w", err)
	}
	s.primary = s.own
	if r.primary != "" {
		s.primary = dialAddress(r.primary)
	}
	return s.primary, nil
}

// replicated waits until enough replicas have what was written. It is there in
// any case; but that it stays there is not known if they do not say so.
func (s *store) replicated(ctx context.Context, to *link) error {
	if s.wait == 0 {
		return nil
	}
	n, err := to.Wait(ctx, s.wait, s.patience).Result()
	if err != nil {
		return fmt.Errorf("written, and not known whether replicas have it: %w", err)
	}
	if n < int64(s.wait) {
		return fmt.Errorf("written, but only %d of %d replicas said that they have it", n, s.wait)
	}
	return nil
}

// script carries out a script, which changes something, with keys and
// arguments; its answer is a number that says whether it did.
func (s *store) script(ctx context.Context, text string, keys []string, args ...any) (n int64, err error) {
	err = s.change(ctx, func(to *link) error {
		n, err = to.Eval(ctx, text, keys, args...).Int64()
		return err
	})
	return n, err
}

// absent turns the answer for what is not there into no error.
func absent(err error) error {
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

// jsonText is what is stored, null if nothing is.
func jsonText(stored string, err error) (json.RawMessage, error) {
	switch {
	case errors.Is(err, redis.Nil):
		return json.RawMessage("null"), nil
	case err != nil:
		return nil, client.Harmless(err)
	case !json.Valid([]byte(stored)):
		return nil, client.Refused("%q is stored, which is no JSON", stored)
	}
	return json.RawMessage(stored), nil
}

// array is the JSON array of texts that are JSON.
func array(stored []string) (json.RawMessage, error) {
	out := make([]json.RawMessage, len(stored))
	for i, text := range stored {
		out[i] = json.RawMessage(text)
	}
	return encode(out)
}

// encode writes an answer.
func encode(v any) (json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write the answer: %w", err)
	}
	return text, nil
}
