package ssh

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
)

// An UnknownKeyError means that known_hosts does not hold the key that the
// host showed. If it holds another one, Changed is true: the host was
// installed anew, or somebody is in between.
type UnknownKeyError struct {
	Host    Host
	Key     ssh.PublicKey
	Changed bool
}

func (e *UnknownKeyError) Error() string {
	if e.Changed {
		return fmt.Sprintf("%s shows another key than the one in %s: %s", e.Host.Name, e.Host.KnownHosts[0], ssh.FingerprintSHA256(e.Key))
	}
	return fmt.Sprintf("the key of %s is not known: %s", e.Host.Name, ssh.FingerprintSHA256(e.Key))
}

// Hint is the command that accepts the key, once it has been compared.
func (e *UnknownKeyError) Hint() string {
	if e.Changed {
		return fmt.Sprintf("if the host was installed anew, forget the old key: ssh-keygen -f %s -R %s",
			e.Host.KnownHosts[0], knownhosts.Normalize(e.Host.endpoint()))
	}
	return fmt.Sprintf("compare the fingerprint, then accept it: ssh-keyscan -p %d %s >> %s", e.Host.Port, e.Host.Address, e.Host.KnownHosts[0])
}

// hostKeys checks a host's key against its known_hosts files. A file that is
// missing holds no keys.
func hostKeys(h Host) (ssh.HostKeyCallback, error) {
	var files []string
	for _, f := range h.KnownHosts {
		if _, err := os.Stat(f); err == nil {
			files = append(files, f)
		}
	}
	known, err := knownhosts.New(files...)
	if err != nil {
		return nil, fmt.Errorf("read the known hosts: %w", err)
	}
	return func(name string, remote net.Addr, key ssh.PublicKey) error {
		err := known(name, remote, key)
		var unknown *knownhosts.KeyError
		if errors.As(err, &unknown) {
			return &UnknownKeyError{Host: h, Key: key, Changed: len(unknown.Want) > 0}
		}
		return err
	}, nil
}

// logIn lists the ways to prove who we are: the keys of a running agent, then
// the identity files. The connection to the agent, if any, is to be closed
// after the log-in.
func logIn(h Host, socket string) ([]ssh.AuthMethod, io.Closer, error) {
	var signers []ssh.Signer
	for _, file := range h.Identities {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, fmt.Errorf("read identity: %w", err)
		}
		signer, err := ssh.ParsePrivateKey(pem)
		if err != nil {
			return nil, nil, fmt.Errorf("read identity %s (one with a passphrase must be given through ssh-agent): %w", file, err)
		}
		signers = append(signers, signer)
	}
	methods := []ssh.AuthMethod{ssh.PublicKeys(signers...)}
	if socket == "" {
		return methods, io.NopCloser(nil), nil
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return methods, io.NopCloser(nil), nil // an agent that is gone holds no keys
	}
	theirs := agent.NewClient(conn)
	// One method only: a client tries each kind of method once.
	both := ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
		held, err := theirs.Signers()
		if err != nil {
			held = nil
		}
		return append(held, signers...), nil
	})
	return []ssh.AuthMethod{both}, conn, nil
}
