package http

import (
	"context"
	"io"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

func TestReady(t *testing.T) {
	n := serve(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
		switch r.URL.Path {
		case "/ready":
			w.WriteHeader(204)
		case "/moved":
			nethttp.Redirect(w, r, "/ready", nethttp.StatusFound)
		default:
			w.WriteHeader(503)
			_, _ = io.WriteString(w, "still\nstarting") // the status alone would do
		}
	})
	for _, c := range []struct {
		path string
		node client.Node
		err  string
	}{
		{"/ready", n, ""},
		{"ready", n, ""},
		{"", n, ""},
		{"/health", n, "node n1 is not ready: GET http://127.0.0.1"},
		{"/health", n, "503 Service Unavailable: still starting"},
		{"/moved", n, "302 Found"},
		{"/%", n, "node n1"},
		{"", closedPort(t), "connection refused"},
		{"/ready", closedPort(t), "connection refused"},
		{"", client.Node{Name: "n7", IP: "127.0.0.1"}, `node n7: no port named "client"`},
		{"", client.Node{Name: "n7", Ports: map[string]int{"client": 80}}, "node n7: no address"},
	} {
		s := New(scenarios.Client{}, scenarios.Ready{HTTP: c.path})
		err := s.Ready(t.Context(), c.node)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("ready by %q: %v; want %s", c.path, err, c.err)
		}
	}
}

// TestReadyEnds with its context, though the node never answers.
func TestReadyEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := serve(t, func(_ nethttp.ResponseWriter, r *nethttp.Request) {
		cancel()
		<-r.Context().Done()
	})
	if err := New(scenarios.Client{}, scenarios.Ready{HTTP: "/"}).Ready(ctx, n); err == nil {
		t.Error("a node that hangs is ready")
	}
}

func TestOpenWithoutPort(t *testing.T) {
	n := client.Node{Name: "n7", IP: "127.0.0.1", Ports: map[string]int{"peer": 1}}
	if c, err := New(scenarios.Client{}, scenarios.Ready{}).Open(t.Context(), n); err == nil || !strings.Contains(err.Error(), "n7") {
		t.Errorf("open = %v, %v", c, err)
	}
}

// TestNoProxy: on loopback Go asks for none in any case, so look at the field.
func TestNoProxy(t *testing.T) {
	if newTransport().Proxy != nil {
		t.Error("a proxy would be asked for")
	}
}
