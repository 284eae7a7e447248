package scenarios

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every system's starter must be a scenario that runs as it is.
func TestStarterIsAScenario(t *testing.T) {
	recipes := testRecipes(t)
	for name, r := range recipes {
		if r.Client.Use == "" {
			continue // only examples of recipes have none
		}
		src := Starter("My First Storm!", name, r)
		s, err := Parse("x.yaml", src, recipes)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, src)
			continue
		}
		if s.Name != "my-first-storm" || s.System.Use != name || len(s.Phases) != 2 || len(s.Checks) != 3 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

const composeFile = `
services:
  kv1: &kv
    image: registry.example/kv:1.4
    command: [/kv, --name, kv1, "--listen=http://kv1:7000", --join, "kv1,kv2,kv3"]
    environment: {ROLE: member, SELF: kv1, FROM_HOST: }
    ports: ["8081:8080"]
    volumes: ["data1:/var/lib/kv", "./x:/etc/x:ro"]
    healthcheck: {test: [CMD, curl, -f, "http://localhost:8080/healthz"]}
  kv2:
    <<: *kv
    command: [/kv, --name, kv2, "--listen=http://kv2:7000", --join, "kv1,kv2,kv3"]
    environment: [SELF=kv2, ROLE=member]
  kv3:
    <<: *kv
    command: [/kv, --name, kv3, "--listen=http://kv3:7000", --join, "kv1,kv2,kv3"]
    environment: [SELF=kv3, ROLE=member]
  proxy: {image: "nginx:1", ports: ["80:80"]}
`

// Services become nodes, what is each one's own a placeholder, and what is
// left out is said.
func TestFromCompose(t *testing.T) {
	text, err := FromCompose("kv-storm", []byte(composeFile))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse("x.yaml", text, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	got := s.System
	if got.Image != "registry.example/kv:1.4" || got.Nodes != 3 || got.Ports["client"] != 8080 || got.Data != "/var/lib/kv" || got.Ready.HTTP != "/healthz" {
		t.Errorf("system %+v", got)
	}
	want := []string{"/kv", "--name", "{name}", "--listen=http://{ip}:7000", "--join", "n1,n2,n3"}
	if diff := cmp.Diff(want, got.Command); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"ROLE": "member", "SELF": "{name}"}, got.Env); diff != "" {
		t.Errorf("env (-want +got):\n%s", diff)
	}
	if part := "# The service proxy is left out: its image is another."; !strings.Contains(string(text), part) || strings.Contains(string(text), "differs") {
		t.Errorf("it does not say %q, or says too much:\n%s", part, text)
	}
}

// Whatever a compose file holds, what comes out can be read, and mistakes are told.
func TestFromComposeOfOthers(t *testing.T) {
	for name, test := range map[string]struct {
		src, err string
		nodes    int
		port     int
	}{
		"replicas":     {"services: {a: {image: x, deploy: {replicas: 5}, expose: [\"9000\"]}}", "", 5, 9000},
		"one built":    {"services: {web-app: {build: ., ports: [{target: 3000, published: 80}]}}", "", 1, 3000},
		"different":    {"services: {a: {image: x, command: one}, b: {image: x, command: two}}", "", 2, 8080},
		"no port":      {"services: {a: {image: x, command: serve --all}}", "", 1, 8080},
		"braces":       {"services: {a: {image: x, command: [\"{json}\"], environment: {A: \"x{y}\"}}}", "", 1, 8080},
		"null service": {"services: {a: , b: {image: x}}", "", 1, 8080},
		"nothing":      {"services: {}", "there is no service in it", 0, 0},
		"no YAML":      {"services: [", "read the compose file: yaml", 0, 0},
		"other shapes": {"services: {a: {image: x, ports: \"80\", volumes: 3, healthcheck: {test: 5}}}", "", 1, 8080},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := FromCompose("x", []byte(test.src))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			s, err := Parse("x.yaml", text, nil)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if s.System.Nodes != test.nodes || s.System.Ports["client"] != test.port {
				t.Errorf("%d nodes on port %d", s.System.Nodes, s.System.Ports["client"])
			}
		})
	}
}
