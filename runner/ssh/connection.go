package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// A Connection is a log-in at a host. It may be used from several goroutines.
type Connection struct {
	host   Host
	client *ssh.Client
}

// Dial logs in at h. The error of a host whose key is not in known_hosts is an
// [*UnknownKeyError].
func Dial(ctx context.Context, h Host) (*Connection, error) {
	h, err := h.complete()
	if err != nil {
		return nil, fmt.Errorf("log in at %s: %w", h.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, h.Within)
	defer cancel()
	client, err := dial(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("log in at %s as %s: %w", h.Name, h.User, err)
	}
	return &Connection{host: h, client: client}, nil
}

func dial(ctx context.Context, h Host) (*ssh.Client, error) {
	keys, err := hostKeys(h)
	if err != nil {
		return nil, err
	}
	methods, held, err := logIn(h, os.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return nil, err
	}
	defer held.Close()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", h.endpoint())
	if err != nil {
		return nil, err
	}
	// The handshake takes no context; a deadline on the connection bounds it.
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	inner, channels, requests, err := ssh.NewClientConn(conn, h.endpoint(), &ssh.ClientConfig{
		User: h.User, Auth: methods, HostKeyCallback: keys,
	})
	if !stop() {
		err = ctx.Err() // which explains what the handshake met
	}
	if err != nil {
		return nil, errors.Join(err, closed(conn))
	}
	_ = conn.SetDeadline(time.Time{})
	return ssh.NewClient(inner, channels, requests), nil
}

// closed closes what the handshake may have closed already.
func closed(c io.Closer) error {
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Close ends the log-in and everything that runs in it.
func (c *Connection) Close() error { return c.client.Close() }

// A CommandError is a command that did not end well.
type CommandError struct {
	Host, Command string
	// Output are the last words on standard error.
	Output string
	Err    error
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
	session, err := c.client.NewSession()
	if err != nil {
		return "", &CommandError{Host: c.host.Name, Command: command, Err: err}
	}
	out, words := &capped{left: maxOutput}, &capped{left: 4096}
	session.Stdin, session.Stdout, session.Stderr = stdin, out, words
	ended := make(chan error, 1)
	go func() { ended <- session.Run(command) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = session.Close()
		return "", &CommandError{Host: c.host.Name, Command: command, Err: ctx.Err()}
	}
	if err != nil {
		return out.text(), &CommandError{Host: c.host.Name, Command: command, Output: strings.TrimSpace(words.text()), Err: err}
	}
	return out.text(), nil
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
