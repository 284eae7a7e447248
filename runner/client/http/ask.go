package http

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	nethttp "net/http"
	"strconv"

	"github.com/shakedown-dev/shakedown/runner/client"
)

// Ask sends n a GET of a path to the port of that name, and returns what of the
// answer stands at field: "body", or "json:" and the dotted path of a field.
// An answer other than 2xx is an error. Without a field the value is the status.
func Ask(ctx context.Context, n client.Node, port, path, field string) (json.RawMessage, error) {
	number, ok := n.Ports[port]
	if !ok || n.IP == "" {
		return nil, fmt.Errorf("node %s: no address or no port named %q", n.Name, port)
	}
	url := "http://" + net.JoinHostPort(n.IP, strconv.Itoa(number)) + rooted(path)
	req, err := nethttp.NewRequestWithContext(ctx, nethttp.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.Name, err)
	}
	transport := newTransport()
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s for %s: %w", n.Name, path, err)
	}
	a, err := readAnswer(resp)
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask %s for %s: %w", n.Name, path, err)
	case a.status/100 != 2:
		return nil, fmt.Errorf("ask %s for %s: %s", n.Name, path, describe(a.status, a.body))
	case field == "":
		return json.RawMessage(strconv.Itoa(a.status)), nil
	}
	return valueAt(field, a.body)
}
