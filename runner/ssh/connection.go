package ssh

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// A Connection is a log-in at a host. It may be used from several goroutines.
type Connection struct {
	host   Host
	client *ssh.Client
	jump   *Connection // through which it goes; nil for none
	// keeping waits for those who look after it, until ended is closed.
	keeping sync.WaitGroup
	ended   chan struct{}
	end     sync.Once
}

// Dial logs in at h, first at the hosts before it if there are any. The error
// of a host whose key is not in known_hosts is an [*UnknownKeyError].
func Dial(ctx context.Context, h Host) (*Connection, error) {
	h, err := h.complete()
	if err != nil {
		return nil, fmt.Errorf("log in at %s: %w", h.Name, err)
	}
	c := &Connection{host: h, ended: make(chan struct{})}
	if h.Jump != nil {
		if c.jump, err = Dial(ctx, *h.Jump); err != nil {
			return nil, fmt.Errorf("on the way to %s: %w", h.Name, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, h.Within)
	defer cancel()
	if err := c.dial(ctx); err != nil {
		err = fmt.Errorf("log in at %s as %s: %w", h.Name, h.User, err)
		return nil, errors.Join(err, c.jump.Close())
	}
	return c, nil
}

func (c *Connection) dial(ctx context.Context) error {
	keys, first, err := hostKeys(c.host)
	if err != nil {
		return err
	}
	methods, held, err := logIn(c.host, os.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return err
	}
	defer held.Close()
	conn, err := c.reach(ctx)
	if err != nil {
		return err
	}
	// The handshake takes no context; a deadline on the connection bounds it,
	// and where the connection has none, being a channel, its end does.
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	inner, channels, requests, err := ssh.NewClientConn(conn, c.host.endpoint(), &ssh.ClientConfig{
		User: c.host.User, Auth: methods, HostKeyCallback: keys, HostKeyAlgorithms: first,
	})
	if !stop() || errors.Is(err, os.ErrDeadlineExceeded) {
		err = cmp.Or(ctx.Err(), context.DeadlineExceeded) // which explains what the handshake met
	}
	if err != nil {
		return errors.Join(err, closed(conn))
	}
	_ = conn.SetDeadline(time.Time{})
	c.client = ssh.NewClient(inner, channels, requests)
	return nil
}

// reach opens the stream on which to log in.
func (c *Connection) reach(ctx context.Context) (net.Conn, error) {
	if c.jump != nil {
		return c.jump.client.DialContext(ctx, "tcp", c.host.endpoint())
	}
	return new(net.Dialer).DialContext(ctx, "tcp", c.host.endpoint())
}

// closed closes what the handshake may have closed already.
func closed(c io.Closer) error {
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Close ends the log-in and everything that runs in it. There is nothing to
// close of a nil Connection.
func (c *Connection) Close() error {
	if c == nil {
		return nil
	}
	c.end.Do(func() { close(c.ended) })
	var err error
	if c.client != nil {
		err = closed(c.client)
	}
	c.keeping.Wait()
	return errors.Join(err, c.jump.Close())
}

// KeepAlive breaks the log-in when the host has given no sign of life for that
// long, so that whoever waits for it is told: a connection that breaks without a
// word is otherwise one that is only slow, for a quarter of an hour. It ends with
// Close, before which it must be called.
func (c *Connection) KeepAlive(patience time.Duration) {
	c.keeping.Go(func() {
		beat := time.NewTicker(patience / 3)
		defer beat.Stop()
		for c.answers(patience) {
			select {
			case <-beat.C:
			case <-c.ended:
				return
			}
		}
		_ = closed(c.client) // Nothing comes of it any more.
	})
}

// answers asks for a sign of life. Servers answer what they do not know, too.
func (c *Connection) answers(within time.Duration) bool {
	answered := make(chan error, 1)
	c.keeping.Go(func() { // until it is answered, or the log-in has ended
		_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
		answered <- err
	})
	select {
	case err := <-answered:
		return err == nil
	case <-time.After(within):
		return false
	}
}

// A CommandError is a command that did not end well.
type CommandError struct {
	Host, Command string
	// Output are the last words on standard error.
	Output string
	// Lost means that the connection broke, or could not be used, and not that
	// the command failed.
	Lost bool
	Err  error
}

func (e *CommandError) Error() string {
	text := fmt.Sprintf("run %q on %s: %v", e.Command, e.Host, e.Err)
	if e.Output != "" {
		text += ": " + e.Output
	}
	return text
}

// Unwrap returns the cause.
func (e *CommandError) Unwrap() error { return e.Err }

// maxOutput bounds what is kept of a command's output.
const maxOutput = 1 << 20

// Run runs one command in the host's shell with stdin (nil for none) and
// returns its standard output, of which at most 1 MiB is kept. The error is a
// [*CommandError]. When ctx is done it returns at once; the command itself may
// go on until it notices that its output goes nowhere, or [Connection.Close].
func (c *Connection) Run(ctx context.Context, command string, stdin io.Reader) (string, error) {
	out := &capped{left: maxOutput}
	if err := c.run(ctx, command, stdin, out); ctx.Err() != nil && err != nil {
		return "", err // It may still be written to.
	} else {
		return out.text(), err
	}
}

// Stream is [Connection.Run] without input, whose whole output goes into out.
// When ctx is done, out may still be written to until the connection is closed.
func (c *Connection) Stream(ctx context.Context, command string, out io.Writer) error {
	return c.run(ctx, command, nil, out)
}

func (c *Connection) run(ctx context.Context, command string, stdin io.Reader, out io.Writer) error {
	failed := &CommandError{Host: c.host.Name, Command: command}
	session, err := c.client.NewSession()
	if err != nil {
		failed.Lost, failed.Err = true, err
		return failed
	}
	words := &capped{left: 4096}
	session.Stdin, session.Stdout, session.Stderr = stdin, out, words
	ended := make(chan error, 1)
	go func() { ended <- session.Run(command) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = session.Close()
		failed.Err = ctx.Err()
		return failed
	}
	if err == nil {
		return nil
	}
	var exit *ssh.ExitError
	failed.Output, failed.Err = strings.TrimSpace(words.text()), err
	failed.Lost = !errors.As(err, &exit)
	return failed
}

// A capped keeps the first bytes and takes the rest without keeping it.
type capped struct {
	kept bytes.Buffer
	left int
}

// Write keeps what there is room for.
func (c *capped) Write(p []byte) (int, error) {
	n := min(len(p), c.left)
	c.left -= n
	c.kept.Write(p[:n])
	return len(p), nil
}

func (c *capped) text() string { return c.kept.String() }
