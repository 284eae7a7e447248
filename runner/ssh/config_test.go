package ssh

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const sampleConfig = `
Host db*
  User admin
  Port 2222
  IdentityFile ~/.ssh/lab
  StrictHostKeyChecking no
Host db1
  HostName 10.0.0.1
Host db2
  HostName %h.internal
  Port 22
  ProxyJump ops@gate:2200,inner
  UserKnownHostsFile ~/.ssh/known "/etc/known hosts"
Host inner
  ConnectTimeout 3
  HostKeyAlias farm
Host loop
  ProxyJump loop
`

// line is a host in one line, with how it is reached.
func line(h Host) string {
	text := fmt.Sprintf("%s@%s:%d", h.User, h.Address, h.Port)
	if h.Within > 0 {
		text += " within " + h.Within.String()
	}
	if h.KeyAlias != "" {
		text += " whose key is " + h.KeyAlias + "'s"
	}
	if h.Jump != nil {
		text += " through " + line(*h.Jump)
	}
	return text
}

func TestConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(sampleConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ReadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, jump string
		over       Host
		want       string
	}{
		{name: "db1", want: "admin@10.0.0.1:2222"},
		{name: "db1", over: Host{User: "root", Port: 7}, want: "root@10.0.0.1:7"},
		{name: "db2", want: "admin@db2.internal:2222 through @inner:0 within 3s whose key is farm's through ops@gate:2200"},
		{name: "db1", jump: "me@db3", want: "admin@10.0.0.1:2222 through me@db3:2222"},
		{name: "10.1.2.3", want: "@10.1.2.3:0"},
	} {
		h, err := c.HostBehind(tt.name, tt.jump, tt.over)
		if err != nil || line(h) != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.name, line(h), err, tt.want)
		}
	}
	if _, err := c.Host("loop", Host{}); err == nil || !strings.Contains(err.Error(), "more than 8 hosts to jump over") {
		t.Errorf("a host that is reached through itself: %v", err)
	}
	if _, err := c.HostBehind("db1", "gate:none", Host{}); err == nil || !strings.Contains(err.Error(), "the port of the jump host") {
		t.Errorf("a port that is none: %v", err)
	}
	h, err := c.Host("db1", Host{})
	home, _ := os.UserHomeDir()
	if err != nil || len(h.Identities) != 1 || h.Identities[0] != filepath.Join(home, ".ssh/lab") {
		t.Errorf("identities %q, %v", h.Identities, err)
	}
}

func TestConfigsThatAreNotThere(t *testing.T) {
	if _, err := ReadConfig(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that was named and is not there is taken for an empty one")
	}
	t.Setenv("HOME", t.TempDir())
	c, err := ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	if h, err := c.Host("db1", Host{Within: time.Second}); err != nil || line(h) != "@db1:0 within 1s" {
		t.Errorf("%s, %v", line(h), err)
	}
}

// A host is reached through another one, whose key is checked as well.
func TestJump(t *testing.T) {
	gate, inner := start(t), start(t)
	h := inner.host
	h.Jump = &gate.host
	c := login(t, h)
	if out, err := c.Run(t.Context(), "echo $SSH_CONNECTION", nil); err != nil || !strings.HasSuffix(strings.TrimSpace(out), fmt.Sprint(h.Port)) {
		t.Errorf("%q, %v", out, err)
	}
	gate.knows(t, inner.hostKey)
	if _, err := Dial(t.Context(), h); err == nil || !strings.Contains(err.Error(), "on the way to h1") {
		t.Errorf("a jump host with another key: %v", err)
	}
}
