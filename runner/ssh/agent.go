package ssh

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// PutAgent makes sure that the host has program, the static binary of this
// program for the host's system, and returns where it is. It is copied only if
// it is not there, and is known by its digest, so that a half-written or
// meddled-with copy is never run.
func (c *Connection) PutAgent(ctx context.Context, program []byte) (path string, err error) {
	sum := sha256.Sum256(program)
	digest := hex.EncodeToString(sum[:])
	path = ".cache/shakedown/agent-" + digest[:16]
	if c.has(ctx, path, digest) {
		return path, nil
	}
	// Written beside its place and moved, so that two who do this at once do
	// not meet in one file; $$ is the shell's own process.
	put := fmt.Sprintf("umask 077 && mkdir -p .cache/shakedown && cat > %[1]s.$$ && chmod 700 %[1]s.$$ && mv %[1]s.$$ %[1]s || { rm -f %[1]s.$$; exit 1; }", path)
	if _, err := c.Run(ctx, put, strings.NewReader(string(program))); err != nil {
		return "", fmt.Errorf("copy the agent: %w", err)
	}
	if !c.has(ctx, path, digest) {
		return "", fmt.Errorf("copy the agent to %s: what arrived is not what was sent", c.host.Name)
	}
	return path, nil
}

// has tells whether the file is there with this digest.
func (c *Connection) has(ctx context.Context, path, digest string) bool {
	out, err := c.Run(ctx, "sha256sum "+path, nil)
	return err == nil && strings.HasPrefix(out, digest)
}

// StartAgent starts the agent that PutAgent put at path, as root, and returns
// the conversation with it. The agent ends, and heals, when the conversation is
// closed or the connection breaks. Without root's rights it needs sudo that
// asks for no password; the error says so.
func (c *Connection) StartAgent(ctx context.Context, path string) (*agent.Conn, error) {
	prefix, err := c.becomeRoot(ctx)
	if err != nil {
		return nil, err
	}
	session, err := c.client.NewSession()
	if err != nil {
		return nil, fmt.Errorf("start the agent on %s: %w", c.host.Name, err)
	}
	in, errIn := session.StdinPipe()
	out, errOut := session.StdoutPipe()
	if err := errors.Join(errIn, errOut, session.Start(prefix+"./"+path+" agent")); err != nil {
		return nil, fmt.Errorf("start the agent on %s: %w", c.host.Name, errors.Join(err, closed(session)))
	}
	conn := agent.Dial(pipes{Reader: out, WriteCloser: in, session: session.Close})
	if _, err := conn.Do(ctx, agent.Request{Do: agent.Hello}); err != nil {
		return nil, fmt.Errorf("talk to the agent on %s: %w", c.host.Name, errors.Join(err, conn.Close()))
	}
	return conn, nil
}

// becomeRoot returns what to put before a command so that it runs as root.
func (c *Connection) becomeRoot(ctx context.Context) (string, error) {
	id, err := c.Run(ctx, "id -u", nil)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(id) == "0" {
		return "", nil
	}
	if _, err := c.Run(ctx, "sudo -n true", nil); err != nil {
		return "", fmt.Errorf("%s may not become root on %s without a password, which faults need: %w", c.host.User, c.host.Name, err)
	}
	return "sudo -n ", nil
}

// pipes makes one stream of a session's standard input and output.
type pipes struct {
	io.Reader
	io.WriteCloser
	session func() error
}

// Close ends the agent's input, by which it knows to heal and to go, and then
// the session.
func (p pipes) Close() error {
	err := p.WriteCloser.Close()
	if ended := p.session(); ended != nil && !errors.Is(ended, io.EOF) {
		err = errors.Join(err, ended)
	}
	return err
}
