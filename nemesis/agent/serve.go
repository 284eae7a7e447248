package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

const (
	// patience is the deadline of every request.
	patience = 10 * time.Second
	// farewell is how long healing may take when the conversation has ended.
	farewell = 10 * time.Second
	// crowd is how many requests may be worked on or wait for their turn; the
	// next one is not read before one of them is done.
	crowd = 256
)

// A worker does what requests ask for.
type worker interface {
	// lanes names the lanes that the request occupies; all means every one
	// there is.
	lanes(r Request) (names []string, all bool)
	// do answers the request; Seq is filled in by the caller.
	do(ctx context.Context, r Request) (Reply, error)
	// heal takes everything back.
	heal(ctx context.Context) error
}

// A session is one conversation between an orchestrator and a worker.
type session struct {
	worker worker
	lanes  map[string]*lane // only touched by the goroutine of converse
	lease  lease            // likewise
	room   chan struct{}
	busy   sync.WaitGroup

	hangUp context.CancelFunc

	mu     sync.Mutex
	out    *json.Encoder
	outErr error
}

// converse answers the lines of in on out until in ends, ctx is done or out
// breaks; then it heals everything, whatever happened.
func converse(ctx context.Context, w worker, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &session{
		worker: w, lanes: map[string]*lane{}, room: make(chan struct{}, crowd),
		out: json.NewEncoder(out), hangUp: cancel, lease: newLease(),
	}
	err := s.listen(ctx, in)
	cancel() // Whoever still works is told to stop.
	healed := s.end()
	return errors.Join(err, s.brokenOut(), healed)
}

// end waits for the work in hand and heals. It has a deadline, since a
// request that hangs must not keep the network cut.
func (s *session) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	idle := make(chan struct{})
	go func() {
		s.busy.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-time.After(farewell / 5):
	}
	return s.worker.heal(ctx)
}

// listen takes in lines until there are no more. It closes in, if it can, to
// stop its reader; a Read that even this does not interrupt is left behind,
// for the process is about to end.
func (s *session) listen(ctx context.Context, in io.Reader) error {
	lines, failed := make(chan []byte), make(chan error, 1)
	go func() {
		defer close(lines)
		failed <- readLines(ctx, in, lines)
	}()
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return <-failed
			}
			s.lease.heard(s.take(ctx, line))
		case <-s.lease.timer.C:
			return errors.Join(fmt.Errorf("nothing was heard for %v: the orchestrator is gone", s.lease.length), closeInput(in))
		case <-ctx.Done():
			return closeInput(in)
		}
	}
}

func closeInput(in io.Reader) error {
	if c, ok := in.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func readLines(ctx context.Context, in io.Reader, lines chan<- []byte) error {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, maxLine)
	for scanner.Scan() {
		line := append([]byte(nil), scanner.Bytes()...)
		select {
		case lines <- line:
		case <-ctx.Done():
			return nil
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read requests: %w", err)
	}
	return nil
}

// take starts the work on one line. The request's places are taken here, so
// that they follow the order of the lines.
func (s *session) take(ctx context.Context, line []byte) (r Request) {
	if err := json.Unmarshal(line, &r); err != nil {
		s.reply(Reply{Error: fmt.Sprintf("%q is not a request: %v", clip(string(line)), err)})
		return Request{}
	}
	select {
	case s.room <- struct{}{}:
	case <-ctx.Done():
		return r
	}
	places := s.enter(r)
	s.busy.Go(func() {
		defer func() { <-s.room }()
		s.reply(s.answer(ctx, r, places))
	})
	return r
}

func (s *session) enter(r Request) []place {
	names, all := s.worker.lanes(r)
	for _, name := range names {
		if s.lanes[name] == nil {
			s.lanes[name] = &lane{}
		}
	}
	if all {
		names = slices.Collect(maps.Keys(s.lanes))
	}
	var places []place
	for _, name := range names {
		places = append(places, s.lanes[name].enter())
	}
	return places
}

// answer works on the request when its turn has come in all its places.
func (s *session) answer(ctx context.Context, r Request, places []place) Reply {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, p := range places {
		defer p.leave()
	}
	for _, p := range places {
		if err := p.turn(ctx); err != nil {
			return Reply{Seq: r.Seq, Error: fmt.Sprintf("waited for earlier requests: %v", err)}
		}
	}
	reply, err := guarded(r.Do, func() (Reply, error) { return s.worker.do(ctx, r) })
	if err != nil {
		reply.Error = err.Error()
	}
	reply.Seq = r.Seq
	return reply
}

// guarded turns a panic of f into an error, so that one bad request cannot
// take the healing of all others with it.
func guarded[T any](doing string, f func() (T, error)) (result T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: a bug in shakedown: %v\n%s", doing, p, debug.Stack())
		}
	}()
	return f()
}

// reply writes one line. An orchestrator that cannot be written to is gone.
func (s *session) reply(r Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outErr != nil {
		return
	}
	if err := s.out.Encode(r); err != nil {
		s.outErr = fmt.Errorf("write reply: %w", err)
		s.hangUp()
	}
}

// brokenOut is why replies could not be written. It does not wait for one that
// is being written to somebody who no longer reads.
func (s *session) brokenOut() error {
	if !s.mu.TryLock() {
		return errors.New("write reply: nobody reads")
	}
	defer s.mu.Unlock()
	return s.outErr
}
