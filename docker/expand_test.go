package docker

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExpand(t *testing.T) {
	x := expander{nodes: []string{"n1", "n2", "n3"}, ips: []string{"10.0.0.11", "10.0.0.12", "10.0.0.13"}, form: "{name}=http://{ip}:2380"}
	bare := x
	bare.form = ""
	for _, c := range []struct {
		name string
		x    expander
		node int
		word string
		want string
	}{
		{"own", x, 1, "{index} {name} {ip}", "2 n2 10.0.0.12"},
		{"peers", x, 0, "{peers}", "n1=http://10.0.0.11:2380,n2=http://10.0.0.12:2380,n3=http://10.0.0.13:2380"},
		{"others", x, 1, "{others}", "n1=http://10.0.0.11:2380,n3=http://10.0.0.13:2380"},
		{"bare peers", bare, 2, "-p={others}", "-p=10.0.0.11,10.0.0.12"},
		{"anything else stays", x, 0, `{key} {Name} {} {"a":{ip}}`, `{key} {Name} {} {"a":10.0.0.11}`},
		{"twice", x, 2, "{name}{name}", "n3n3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{c.want}, c.x.command(c.node, []string{c.word})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExpandEnvironment(t *testing.T) {
	x := expander{nodes: []string{"n1", "n2"}, ips: []string{"a", "b"}}
	got := x.environment(1, map[string]string{"Z": "{others}", "A": "{name}", "{ip}": "1"})
	if diff := cmp.Diff([]string{"A=n2", "Z=a", "{ip}=1"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestExpandWithOneNodeHasNoOthers(t *testing.T) {
	x := expander{nodes: []string{"n1"}, ips: []string{"a"}}
	if got := x.command(0, []string{"[{others}]"}); got[0] != "[]" {
		t.Errorf("got %q", got)
	}
}
