package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// DialStdio runs a command on the host, whose standard input and output are the
// connection: `docker system dial-stdio`, which leads to the engine there. What
// the command has to complain of is in the error of the first read that fails.
func (c *Connection) DialStdio(_ context.Context, command string) (net.Conn, error) {
	session, err := c.client.NewSession()
	if err != nil {
		return nil, fmt.Errorf("run %q on %s: %w", command, c.host.Name, err)
	}
	in, errIn := session.StdinPipe()
	out, errOut := session.StdoutPipe()
	words := &capped{left: 4096}
	session.Stderr = words
	if err := errors.Join(errIn, errOut, session.Start(command)); err != nil {
		return nil, fmt.Errorf("run %q on %s: %w", command, c.host.Name, errors.Join(err, closed(session)))
	}
	return &stdioConn{pipes: pipes{Reader: out, WriteCloser: in, session: session.Close}, words: words, ended: session.Wait, host: c.host.Name}, nil
}

// A stdioConn is a command's input and output as a connection. It knows no
// deadlines.
type stdioConn struct {
	pipes
	words *capped
	ended func() error
	host  string
}

// Read tells, at an end that comes of the command's failure, why it failed.
func (s *stdioConn) Read(p []byte) (int, error) {
	n, err := s.pipes.Read(p)
	if err == io.EOF && n == 0 {
		if failed := s.ended(); failed != nil {
			return 0, fmt.Errorf("on %s: %w: %s", s.host, failed, s.words.text())
		}
	}
	return n, err
}

// CloseWrite ends the command's input.
func (s *stdioConn) CloseWrite() error { return s.pipes.WriteCloser.Close() }

// LocalAddr and RemoteAddr have no addresses to tell, but a name.
func (s *stdioConn) LocalAddr() net.Addr { return stdioAddr("here") }

// RemoteAddr is the host's name.
func (s *stdioConn) RemoteAddr() net.Addr { return stdioAddr(s.host) }

// SetDeadline does nothing: whoever has no patience closes the connection.
func (s *stdioConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (s *stdioConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (s *stdioConn) SetWriteDeadline(time.Time) error { return nil }

type stdioAddr string

func (stdioAddr) Network() string  { return "ssh" }
func (a stdioAddr) String() string { return string(a) }
