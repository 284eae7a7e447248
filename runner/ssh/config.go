package ssh

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	sshconfig "github.com/kevinburke/ssh_config"
)

// A Config is what OpenSSH's own configuration says about hosts. The zero
// Config knows of none.
type Config struct {
	file *sshconfig.Config
	home string
}

// maxJumps bounds how many hosts may lie before one.
const maxJumps = 8

// ReadConfig reads ~/.ssh/config, or what file names. A file that is not there
// says nothing.
func ReadConfig(file string) (Config, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return Config{}, fmt.Errorf("read the configuration of ssh: %w", err)
	}
	c := Config{home: home}
	text, err := os.Open(cmp.Or(file, filepath.Join(home, ".ssh", "config")))
	if errors.Is(err, fs.ErrNotExist) && file == "" {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read the configuration of ssh: %w", err)
	}
	defer text.Close()
	if c.file, err = sshconfig.Decode(text); err != nil {
		return c, fmt.Errorf("read the configuration of ssh in %s: %w", text.Name(), err)
	}
	return c, nil
}

// Host is the host of that name, completed by the configuration: HostName,
// Port, User, IdentityFile, UserKnownHostsFile, HostKeyAlias, ConnectTimeout and
// ProxyJump.
// What over has set counts more. Nothing makes an unknown host key acceptable,
// StrictHostKeyChecking neither.
func (c Config) Host(name string, over Host) (Host, error) {
	return c.host(name, over, 0)
}

// HostBehind is [Config.Host] reached through jump, "user@first:port,second";
// empty for what the configuration says.
func (c Config) HostBehind(name, jump string, over Host) (Host, error) {
	if jump != "" {
		before, err := c.jump(jump, 0)
		if err != nil {
			return Host{}, err
		}
		over.Jump = before
	}
	return c.Host(name, over)
}

func (c Config) host(name string, over Host, depth int) (Host, error) {
	if depth > maxJumps {
		return Host{}, fmt.Errorf("%s: more than %d hosts to jump over", name, maxJumps)
	}
	h := over
	h.Name = cmp.Or(over.Name, name)
	h.Address = cmp.Or(over.Address, strings.ReplaceAll(c.get(name, "HostName"), "%h", name), name)
	h.User = cmp.Or(over.User, c.get(name, "User"))
	if port := c.get(name, "Port"); h.Port == 0 && port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return h, fmt.Errorf("%s: the port %q in the configuration of ssh is none", name, port)
		}
		h.Port = int(n)
	}
	if seconds, err := strconv.Atoi(c.get(name, "ConnectTimeout")); err == nil && h.Within == 0 {
		h.Within = time.Duration(seconds) * time.Second
	}
	if len(h.Identities) == 0 {
		h.Identities = c.identities(name)
	}
	if known := c.get(name, "UserKnownHostsFile"); len(h.KnownHosts) == 0 && known != "" {
		for _, file := range strings.Fields(known) {
			h.KnownHosts = append(h.KnownHosts, c.Expand(file))
		}
	}
	h.KeyAlias = cmp.Or(over.KeyAlias, c.get(name, "HostKeyAlias"))
	jump := c.get(name, "ProxyJump")
	if h.Jump != nil || jump == "" || strings.EqualFold(jump, "none") {
		return h, nil
	}
	before, err := c.jump(jump, depth)
	h.Jump = before
	return h, err
}

// jump is the last of the hosts in "user@first:port,second", reached through
// those before it.
func (c Config) jump(spec string, depth int) (*Host, error) {
	first, last, several := cutLast(spec, ",")
	over := Host{}
	if several {
		before, err := c.jump(first, depth+1)
		if err != nil {
			return nil, err
		}
		over.Jump = before
	}
	if user, host, ok := strings.Cut(last, "@"); ok {
		over.User, last = user, host
	}
	if host, port, ok := cutLast(last, ":"); ok && !strings.Contains(host, ":") {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("the port of the jump host %q is none", last)
		}
		over.Port, last = int(n), host
	}
	h, err := c.host(last, over, depth+1)
	return &h, err
}

// cutLast is [strings.Cut] at the last separator; without one, all is after.
func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+len(separator):], true
}

// get is the first value that is set for a name; empty if none is.
func (c Config) get(name, key string) string {
	if c.file == nil {
		return ""
	}
	value, err := c.file.Get(name, key)
	if err != nil {
		return "" // a value that cannot be read is as good as none
	}
	return value
}

// identities are the key files that are named for a host; those that ssh would
// try unasked if there are none, as far as they are there.
func (c Config) identities(name string) []string {
	var files []string
	if c.file != nil {
		named, _ := c.file.GetAll(name, "IdentityFile") // as in get
		for _, file := range named {
			files = append(files, c.Expand(file))
		}
	}
	if len(files) > 0 || c.home == "" {
		return files
	}
	for _, key := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		file := filepath.Join(c.home, ".ssh", key)
		if _, err := os.Stat(file); err == nil {
			files = append(files, file)
		}
	}
	return files
}

// Expand replaces the home directory's sign in the name of a file.
func (c Config) Expand(file string) string {
	file = strings.Trim(file, `"`)
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		return filepath.Join(c.home, rest)
	}
	return strings.ReplaceAll(file, "%d", c.home)
}
