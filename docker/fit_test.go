package docker

import (
	"errors"
	"net"
	"testing"

	"github.com/docker/docker/api/types/system"
)

func TestEnginesThatDoNotFit(t *testing.T) {
	local := []net.IP{net.ParseIP("192.0.2.7")}
	for _, c := range []struct {
		name, host string
		info       system.Info
		want       error
	}{
		{"a socket", "unix:///var/run/docker.sock", system.Info{OperatingSystem: "Debian", SecurityOptions: []string{"name=seccomp,profile=builtin"}}, nil},
		{"loopback", "tcp://127.0.0.1:2375", system.Info{}, nil},
		{"localhost", "tcp://localhost:2375", system.Info{}, nil},
		{"an address of ours", "tcp://192.0.2.7:2376", system.Info{}, nil},
		{"another machine", "tcp://192.0.2.8:2376", system.Info{}, errRemote},
		{"another machine by name", "tcp://build:2376", system.Info{}, errRemote},
		{"another machine by ssh", "ssh://me@build", system.Info{}, errRemote},
		{"desktop", "unix:///desktop/docker.sock", system.Info{OperatingSystem: "Docker Desktop"}, errDesktop},
		{"rootless", "unix:///run/user/1000/docker.sock", system.Info{SecurityOptions: []string{"name=seccomp", "name=rootless"}}, errRootless},
	} {
		if got := unfit(c.info, c.host, local); !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
