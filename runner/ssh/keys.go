package ssh

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"

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
			e.Host.KnownHosts[0], knownhosts.Normalize(e.Host.keyName()))
	}
	scan := fmt.Sprintf("ssh-keyscan -p %d %s", e.Host.Port, e.Host.Address)
	if e.Host.KeyAlias != "" {
		scan += fmt.Sprintf(" | sed 's/^[^ ]*/%s/'", e.Host.KeyAlias)
	}
	return fmt.Sprintf("compare the fingerprint, then accept it: %s >> %s", scan, e.Host.KnownHosts[0])
}

// hostKeys checks a host's key against its known_hosts files, and says of which
// kinds those are that they hold: these are to be asked for first, since a host
// has several, and of those that it has not shown yet none may be written down.
// A file that is missing holds no keys.
func hostKeys(h Host) (check ssh.HostKeyCallback, first []string, err error) {
	var files []string
	for _, f := range h.KnownHosts {
		if _, err := os.Stat(f); err == nil {
			files = append(files, f)
		}
	}
	known, err := knownhosts.New(files...)
	if err != nil {
		return nil, nil, fmt.Errorf("read the known hosts: %w", err)
	}
	check = func(_ string, remote net.Addr, key ssh.PublicKey) error {
		err := known(h.keyName(), remote, key)
		var unknown *knownhosts.KeyError
		if errors.As(err, &unknown) {
			return &UnknownKeyError{Host: h, Key: key, Changed: len(unknown.Want) > 0}
		}
		return err
	}
	return check, algorithms(known, h.keyName()), nil
}

// algorithms are those of the keys that are known of a host, and then all others.
func algorithms(known ssh.HostKeyCallback, name string) []string {
	var first []string
	var wanted *knownhosts.KeyError
	if errors.As(known(name, &net.TCPAddr{}, noKey{}), &wanted) {
		for _, k := range wanted.Want {
			if k.Key.Type() == ssh.KeyAlgoRSA { // which has several signatures
				first = append(first, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
				continue
			}
			first = append(first, k.Key.Type())
		}
	}
	others := slices.DeleteFunc(ssh.SupportedAlgorithms().HostKeys, func(a string) bool { return slices.Contains(first, a) })
	return append(first, others...)
}

// noKey is a key that no host has: known_hosts answers with those that it has.
type noKey struct{ ssh.PublicKey }

// Type is that of no key.
func (noKey) Type() string { return "none" }

// Marshal is no key.
func (noKey) Marshal() []byte { return nil }

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
