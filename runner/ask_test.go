package runner

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// chatty are nodes of which each answers /status with its text; one that is
// empty answers 503.
func chatty(t *testing.T, says ...string) []client.Node {
	t.Helper()
	var nodes []client.Node
	for i, text := range says {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if text == "" || r.URL.Path != "/status" {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_, _ = w.Write([]byte(text))
		}))
		t.Cleanup(s.Close)
		host, port, _ := net.SplitHostPort(s.Listener.Addr().String())
		number, _ := strconv.Atoi(port)
		nodes = append(nodes, client.Node{Name: "n" + strconv.Itoa(i+1), IP: host, Ports: map[string]int{"client": number}})
	}
	return nodes
}

func TestAskWhoLeads(t *testing.T) {
	for name, tt := range map[string]struct {
		ask  scenarios.Ask
		says []string
		want string // the leader, or what the error says
	}{
		"the status":             {scenarios.Ask{}, []string{"", "fine", ""}, "n2"},
		"it says so itself":      {scenarios.Ask{Field: "json:leads"}, []string{`{"leads":false}`, `{"leads":false}`, `{"leads":true}`}, "n3"},
		"by a word":              {scenarios.Ask{Field: "json:role", Is: "leader"}, []string{`{"role":"leader"}`, `{"role":"follower"}`, ""}, "n1"},
		"by the leader's name":   {scenarios.Ask{Field: "body"}, []string{"n2", "n2", "n1"}, "n2"},
		"by a URL with the name": {scenarios.Ask{Field: "json:a.b"}, []string{`{"a":{"b":"http://n3:80/x"}}`, "", ""}, "n3"},
		"nobody":                 {scenarios.Ask{Field: "json:leads"}, []string{`{"leads":false}`, "", `{}`}, "no node leads"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.ask.HTTP, tt.ask.Port = "/status", "client"
			got, err := askLeader(t.Context(), tt.ask, chatty(t, tt.says...))
			if err != nil {
				got = err.Error()
			}
			if got != tt.want && !strings.Contains(got, tt.want+"\n") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestProbeByHTTP(t *testing.T) {
	r := &run{nodes: chatty(t, `{"n":1}`, `{"n":2}`, "")}
	trigger := nemesis.Trigger{Probe: &nemesis.Probe{HTTP: "/status", Port: "client", Field: "json:n", Is: "2"}}
	if why, err := r.probe(t.Context(), trigger); err != nil || why != "n2 said 2" {
		t.Errorf("%q, %v", why, err)
	}
	trigger.Node = "n1"
	if why, err := r.probe(t.Context(), trigger); err == nil || !strings.Contains(err.Error(), "n1 said 1") {
		t.Errorf("%q, %v", why, err)
	}
}
