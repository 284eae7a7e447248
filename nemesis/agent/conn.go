package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// maxLine is the longest line either side accepts: a request with every
// ordered pair of a hundred nodes has room.
const maxLine = 1 << 20

// outbox is how many requests may wait for the stream to take them.
const outbox = 64

// ErrGone is what every request gets when the agent's stream has ended.
var ErrGone = errors.New("the agent is gone")

// A Conn is the orchestrator's end of a conversation with an agent. Its
// methods may be called concurrently.
type Conn struct {
	rw   io.ReadWriteCloser
	out  chan []byte
	gone chan struct{} // closed when the stream has ended, after why is set
	why  error
	end  sync.Once
	both sync.WaitGroup // reader and writer

	mu      sync.Mutex
	seq     uint64
	pending map[uint64]chan Reply
}

// Dial starts a conversation over rw, which the Conn owns from then on.
// Nothing is sent before the first Do.
func Dial(rw io.ReadWriteCloser) *Conn {
	c := &Conn{
		rw:      rw,
		out:     make(chan []byte, outbox),
		gone:    make(chan struct{}),
		pending: make(map[uint64]chan Reply),
	}
	c.both.Add(2)
	go c.read()
	go c.write()
	return c
}

// Do sends r, with a Seq of its own, and waits for the reply to it. A reply
// that bears an Error comes back together with an error that says the same.
// When ctx ends first the agent may still do what it was asked.
func (c *Conn) Do(ctx context.Context, r Request) (Reply, error) {
	seq, answer := c.expect()
	defer c.forget(seq)
	r.Seq = seq
	line, err := json.Marshal(r)
	if err != nil {
		return Reply{}, fmt.Errorf("%s: %w", r.Do, err)
	}
	select {
	case c.out <- append(line, '\n'):
	case <-c.gone:
		return Reply{}, fmt.Errorf("%s: %w", r.Do, c.why)
	case <-ctx.Done():
		return Reply{}, fmt.Errorf("%s: not sent: %w", r.Do, ctx.Err())
	}
	return c.await(ctx, r, answer)
}

func (c *Conn) await(ctx context.Context, r Request, answer <-chan Reply) (Reply, error) {
	var reply Reply
	select {
	case reply = <-answer:
	case <-c.gone:
		select { // The answer may have been the stream's last line.
		case reply = <-answer:
		default:
			return Reply{}, fmt.Errorf("%s: %w", r.Do, c.why)
		}
	case <-ctx.Done():
		return Reply{}, fmt.Errorf("%s: no answer from the agent: %w", r.Do, ctx.Err())
	}
	if reply.Error != "" {
		return reply, fmt.Errorf("%s: %s", describe(r), reply.Error)
	}
	return reply, nil
}

// KeepAlive lets the agent hear from us well within its lease, until the
// conversation is over. It is over, too, when an agent has not answered for that
// long: it has healed everything by then, wherever it is, and is gone.
func (c *Conn) KeepAlive(lease time.Duration) {
	c.both.Go(func() {
		beat := time.NewTicker(lease / 4)
		defer beat.Stop()
		for {
			select {
			case <-beat.C:
				c.both.Go(func() { c.hello(lease) })
			case <-c.gone:
				return
			}
		}
	})
}

// hello ends the conversation unless it is answered in time.
func (c *Conn) hello(within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if _, err := c.Do(ctx, Request{Do: Hello}); errors.Is(err, context.DeadlineExceeded) {
		c.over(fmt.Errorf("%w: it has not answered for %v", ErrGone, within))
		_ = c.rw.Close() // Nothing comes of it any more.
	}
}

// Gone is closed when the agent is gone, or Close was called.
func (c *Conn) Gone() <-chan struct{} { return c.gone }

// Close ends the conversation, upon which the agent heals everything, and
// waits until nothing of the Conn runs any more.
func (c *Conn) Close() error {
	err := c.rw.Close()
	c.over(fmt.Errorf("%w: the connection was closed", ErrGone))
	c.both.Wait()
	return err
}

func (c *Conn) expect() (uint64, <-chan Reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	answer := make(chan Reply, 1)
	c.pending[c.seq] = answer
	return c.seq, answer
}

func (c *Conn) forget(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, seq)
}

// over ends the conversation once; the first reason counts.
func (c *Conn) over(why error) {
	c.end.Do(func() {
		c.why = why
		close(c.gone)
	})
}

func (c *Conn) write() {
	defer c.both.Done()
	for {
		select {
		case line := <-c.out:
			if _, err := c.rw.Write(line); err != nil {
				c.over(fmt.Errorf("%w: %w", ErrGone, err))
				return
			}
		case <-c.gone:
			return
		}
	}
}

func (c *Conn) read() {
	defer c.both.Done()
	lines := bufio.NewScanner(c.rw)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var reply Reply
		if err := json.Unmarshal(lines.Bytes(), &reply); err != nil {
			c.over(fmt.Errorf("%w: it said %q, which is not a reply", ErrGone, clip(lines.Text())))
			return
		}
		c.deliver(reply)
	}
	err := lines.Err()
	if err == nil {
		err = io.EOF
	}
	c.over(fmt.Errorf("%w: %w", ErrGone, err))
}

// deliver hands a reply to whom it belongs. A late one, whose asker has left,
// is dropped.
func (c *Conn) deliver(reply Reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer, ok := c.pending[reply.Seq]
	if !ok {
		return
	}
	delete(c.pending, reply.Seq)
	answer <- reply
}

// describe names a request in an error: "freeze n2".
func describe(r Request) string {
	if r.Node == "" {
		return r.Do
	}
	return r.Do + " " + r.Node
}

func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
