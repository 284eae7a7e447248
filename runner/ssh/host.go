package ssh

import (
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"
)

// A Host is where and as whom to log in.
type Host struct {
	// Name is what the host is called in messages; the address if empty.
	Name string
	// Address is a host name or an IP.
	Address string
	// Port is 22 if 0.
	Port int
	// User is the local user's name if empty.
	User string
	// Identities are private key files without a passphrase. Keys that an
	// agent at SSH_AUTH_SOCK holds are tried first.
	Identities []string
	// KnownHosts are the files that hold the host's key; ~/.ssh/known_hosts
	// if there are none.
	KnownHosts []string
	// KeyAlias is the name under which they hold it; empty for the address.
	KeyAlias string
	// Jump is the host through which this one is reached; nil for none.
	Jump *Host
	// Within bounds the whole log-in, without that at Jump; 10 s if 0.
	Within time.Duration
}

const (
	defaultPort   = 22
	defaultWithin = 10 * time.Second
)

// complete fills in what the host leaves to defaults.
func (h Host) complete() (Host, error) {
	if h.Name == "" {
		h.Name = h.Address
	}
	if h.Port == 0 {
		h.Port = defaultPort
	}
	if h.Within == 0 {
		h.Within = defaultWithin
	}
	if h.User == "" {
		me, err := user.Current()
		if err != nil {
			return h, err
		}
		h.User = me.Username
	}
	if len(h.KnownHosts) == 0 {
		home, err := os.UserHomeDir()
		if err != nil {
			return h, err
		}
		h.KnownHosts = []string{filepath.Join(home, ".ssh", "known_hosts")}
	}
	return h, nil
}

// keyName is what known_hosts calls the host.
func (h Host) keyName() string {
	if h.KeyAlias != "" {
		return net.JoinHostPort(h.KeyAlias, strconv.Itoa(defaultPort)) // which is not written
	}
	return h.endpoint()
}

func (h Host) endpoint() string { return net.JoinHostPort(h.Address, strconv.Itoa(h.Port)) }
