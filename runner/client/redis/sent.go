package redis

import (
	"bytes"
	"net"
	"sync/atomic"
)

// A sentMark is set once a command was handed to a connection. A client has one
// operation at a time, so there is one mark for all of its commands.
type sentMark struct{ set atomic.Bool }

// A markedConn sets the mark when a command is written to it. The greeting of a
// new connection, which the library sends by itself, is none.
type markedConn struct {
	net.Conn
	mark *sentMark
}

// Write sets the mark before the first byte leaves.
func (c *markedConn) Write(b []byte) (int, error) {
	if !greeting(b) {
		c.mark.set.Store(true)
	}
	return c.Conn.Write(b)
}

// greeting tells whether what is written begins with the command hello.
func greeting(b []byte) bool {
	parts := bytes.SplitN(b, []byte("\r\n"), 4) // *2, $5, hello, the rest
	return len(parts) == 4 && bytes.EqualFold(parts[2], []byte("hello"))
}
