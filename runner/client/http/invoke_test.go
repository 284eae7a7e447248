package http

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// operations are a small key-value store's.
func operations() map[string]scenarios.HTTPOperation {
	return map[string]scenarios.HTTPOperation{
		"read":  {Method: "GET", Path: "/kv/{key}", Absent: []int{404}},
		"write": {Method: "PUT", Path: "/kv/{key}", Body: "{value}", Fail: []int{429}},
		"cas":   {Method: "POST", Path: "/kv/{key}", Body: `{"old":{old},"new":{new}}`, Fail: []int{409, 412}},
	}
}

// serve runs a server for the test, and returns it as a node.
func serve(t *testing.T, h nethttp.HandlerFunc) client.Node {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return nodeAt(t, server.Listener.Addr())
}

func nodeAt(t *testing.T, addr net.Addr) client.Node {
	t.Helper()
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return client.Node{Name: "n1", IP: host, Ports: map[string]int{"client": n}}
}

// closedPort returns a node on whose port nobody listens.
func closedPort(t *testing.T) client.Node {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // the port is free from here on
	return nodeAt(t, l.Addr())
}

func openClient(t *testing.T, ops map[string]scenarios.HTTPOperation, n client.Node) client.Client {
	t.Helper()
	c, err := New(scenarios.Client{Operations: ops}, scenarios.Ready{}).Open(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

func operation(f, value string) history.Op {
	op := history.Op{F: f, Key: "r1.1", Process: 3, Node: "n1", Time: 17, Index: 4, Type: history.Invoke}
	if value != "" {
		op.Value = json.RawMessage(value)
	}
	return op
}

func invoke(t *testing.T, c client.Client, f, value string) history.Op {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return c.Invoke(ctx, operation(f, value))
}

// check compares how an operation ended; an error must be there if the
// operation is not OK, and contain says.
func check(t *testing.T, about string, got history.Op, want history.Type, value, says string) {
	t.Helper()
	if got.Type != want || string(got.Value) != value || !strings.Contains(got.Error, says) || (want == history.OK) != (got.Error == "") {
		t.Errorf("%s: type %d, value %s, error %q; want type %d, value %s, error with %q",
			about, got.Type, got.Value, got.Error, want, value, says)
	}
	if got.Key != "r1.1" || got.Process != 3 || got.Node != "n1" || got.Time != 17 || got.Index != 4 {
		t.Errorf("%s: fields that are none of the client's were changed: %+v", about, got)
	}
}

func TestAnswers(t *testing.T) {
	const ok, fail, info = history.OK, history.Fail, history.Info
	for _, c := range []struct {
		f, value string
		status   int
		body     string
		want     history.Type
		got      string
		says     string
	}{
		{"read", "", 200, "17", ok, "17", ""},
		{"read", "", 200, "17\n", ok, "17", ""},
		{"read", "", 200, `"17"`, ok, "17", ""},
		{"read", "", 200, `"x"`, ok, `"x"`, ""},
		{"read", "", 200, "not json", ok, `"not json"`, ""},
		{"read", "", 200, `{"a": [1, 2]}`, ok, `{"a":[1,2]}`, ""},
		{"read", "", 200, "", ok, "null", ""},
		{"read", "", 200, "null", ok, "null", ""},
		{"read", "", 200, `""`, ok, `""`, ""},
		{"read", "", 204, "", ok, "null", ""},
		{"read", "", 404, "nothing here", ok, "null", ""},
		{"read", "", 500, "oh", fail, "", "500 Internal Server Error: oh"},
		{"read", "", 302, "", fail, "", "302 Found"},
		{"read", "", 799, "", fail, "", "799"},

		{"write", "5", 200, "whatever", ok, "5", ""},
		{"write", "5", 201, "", ok, "5", ""},
		{"write", "5", 204, "", ok, "5", ""},
		{"write", "5", 202, "", info, "5", "202 Accepted"},
		{"write", "5", 404, "", info, "5", "404 Not Found"},
		{"write", "5", 429, "slow\n down", fail, "5", "429 Too Many Requests: slow down"},
		{"write", "5", 503, "", info, "5", "503 Service Unavailable"},
		{"write", "5", 302, "", info, "5", "302 Found"},

		{"cas", "[1,2]", 200, "", ok, "[1,2]", ""},
		{"cas", "[1,2]", 409, "it is 3", fail, "[1,2]", "409 Conflict: it is 3"},
		{"cas", "[1,2]", 412, "", fail, "[1,2]", "412 Precondition Failed"},
		{"cas", "[1,2]", 500, "", info, "[1,2]", "500"},
	} {
		n := serve(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body) // 204 allows no body
		})
		got := invoke(t, openClient(t, operations(), n), c.f, c.value)
		check(t, fmt.Sprintf("%s, %d %q", c.f, c.status, c.body), got, c.want, c.got, c.says)
	}
}

// TestStatusLists: what a scenario names beats the default of OK, and a status
// that means absent means nothing to a write.
func TestStatusLists(t *testing.T) {
	for _, c := range []struct {
		o      scenarios.HTTPOperation
		status int
		want   meaning
	}{
		{scenarios.HTTPOperation{}, 200, happened},
		{scenarios.HTTPOperation{}, 203, unknown},
		{scenarios.HTTPOperation{OK: []int{202}}, 202, happened},
		{scenarios.HTTPOperation{OK: []int{202}}, 200, unknown},
		{scenarios.HTTPOperation{Fail: []int{200}}, 200, refused},
		{scenarios.HTTPOperation{Absent: []int{204}}, 204, absent},
		{scenarios.HTTPOperation{Absent: []int{204}}, 200, happened},
	} {
		if got := meaningOf(c.status, c.o); got != c.want {
			t.Errorf("%d by %+v means %d, want %d", c.status, c.o, got, c.want)
		}
	}
	write := judge(operation("write", "1"), scenarios.HTTPOperation{Absent: []int{204}}, answer{status: 204})
	check(t, "write, absent", write, history.Info, "1", "204 No Content")
}

// TestRequests compares what arrives at the server.
func TestRequests(t *testing.T) {
	type request struct {
		Method, URI, Host, Body string
		Length                  int64
		Header                  map[string]string
	}
	for _, c := range []struct {
		about string
		op    history.Op
		o     scenarios.HTTPOperation
		want  request
	}{
		{"a read", operation("read", ""), operations()["read"], request{Method: "GET", URI: "/kv/r1.1"}},
		{"a write", operation("write", "5"), operations()["write"],
			request{Method: "PUT", URI: "/kv/r1.1", Body: "5", Length: 1}},
		{"a cas", operation("cas", `[null, {"a": 1}]`), operations()["cas"],
			request{Method: "POST", URI: "/kv/r1.1", Body: `{"old":null,"new":{"a":1}}`, Length: 26}},
		{"escapes", history.Op{F: "write", Key: "a/b c?&%", Value: json.RawMessage(`"x&y z/"`)},
			scenarios.HTTPOperation{Method: "GET", Path: "set/{key}/{value}?k={key}&v={value}"},
			request{Method: "GET", URI: "/set/a%2Fb%20c%3F&%25/%22x&y%20z%2F%22?k=a%2Fb+c%3F%26%25&v=%22x%26y+z%2F%22"}},
		{"a value with a placeholder", history.Op{F: "cas", Key: "{new}", Value: json.RawMessage(`["{new}","{key}"]`)},
			scenarios.HTTPOperation{Method: "POST", Path: "/", Body: "{key} {old} {new} {value}"},
			request{Method: "POST", URI: "/", Body: `{new} "{new}" "{key}" {value}`, Length: 29}},
		{"a put without a body", operation("write", "5"), scenarios.HTTPOperation{Method: "PUT", Path: "/{value}"},
			request{Method: "PUT", URI: "/5"}},
		{"headers", operation("write", "5"), scenarios.HTTPOperation{Method: "POST", Path: "/", Body: "{value}",
			Header: map[string]string{"content-type": "application/json", "Host": "example.test", "Idempotency-Key": "{key}"}},
			request{Method: "POST", URI: "/", Host: "example.test", Body: "5", Length: 1,
				Header: map[string]string{"Content-Type": "application/json", "Idempotency-Key": "{key}"}}},
	} {
		var got request
		n := serve(t, func(_ nethttp.ResponseWriter, r *nethttp.Request) {
			body, _ := io.ReadAll(r.Body) // a broken body is not the same body
			got = request{Method: r.Method, URI: r.RequestURI, Body: string(body), Length: r.ContentLength}
			if c.want.Host != "" {
				got.Host = r.Host
			}
			for name := range c.want.Header {
				if got.Header == nil {
					got.Header = map[string]string{}
				}
				got.Header[name] = r.Header.Get(name)
			}
		})
		c.op.Type = history.Invoke
		op := openClient(t, map[string]scenarios.HTTPOperation{c.op.F: c.o}, n).Invoke(t.Context(), c.op)
		if op.Type != history.OK {
			t.Errorf("%s: %+v", c.about, op)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.about, diff)
		}
	}
}

func TestNothingIsSentForNonsense(t *testing.T) {
	var requests atomic.Int32
	n := serve(t, func(nethttp.ResponseWriter, *nethttp.Request) { requests.Add(1) })
	bad := operations()
	bad["write"] = scenarios.HTTPOperation{Method: "P U T", Path: "/"}
	c, cBad := openClient(t, operations(), n), openClient(t, bad, n)
	check(t, "unknown operation", invoke(t, c, "append", "1"), history.Fail, "1", `no request for "append"`)
	check(t, "cas of one", invoke(t, c, "cas", "[1]"), history.Fail, "[1]", "a cas needs [old, new]")
	check(t, "cas of none", invoke(t, c, "cas", ""), history.Fail, "", "a cas needs [old, new]")
	check(t, "no JSON", invoke(t, c, "write", "{"), history.Fail, "{", "not sent")
	check(t, "bad method", invoke(t, cBad, "write", "1"), history.Fail, "1", "not sent")
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// nasty are servers that do not answer a request as they should. Each of them
// has read the request, so that a write must be Info.
func nasty() map[string]func(c net.Conn) {
	say := func(text string) func(net.Conn) {
		return func(c net.Conn) { _, _ = io.WriteString(c, text) } // the client may have hung up
	}
	return map[string]func(net.Conn){
		"closes":                       func(net.Conn) {},
		"resets":                       func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		"closes in the status":         say("HTTP/1.1 20"),
		"closes in the header":         say("HTTP/1.1 200 OK\r\nContent-"),
		"closes in the body":           say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1"),
		"closes in a chunk":            say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n1"),
		"closes between chunks":        say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n"),
		"speaks another language":      say("220 mail.example.test ESMTP\r\n"),
		"has an endless header":        say("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20)),
		"has a huge body":              say("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("1", 2<<20)),
		"says continue and then stops": say("HTTP/1.1 100 Continue\r\n\r\n"),
		"switches protocols":           say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"),
	}
}

// serveRaw runs a server that reads a request, calls end, and hangs up.
// It counts the requests that it read.
func serveRaw(t *testing.T, end func(net.Conn)) (client.Node, *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	requests := new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			if readRequest(bufio.NewReader(c)) == nil {
				requests.Add(1)
				end(c)
			}
			_ = c.Close() // the client may have
		}
	}()
	t.Cleanup(func() {
		_ = l.Close() // ends the goroutine
		<-done
	})
	return nodeAt(t, l.Addr()), requests
}

func readRequest(r *bufio.Reader) error {
	req, err := nethttp.ReadRequest(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err
}

func TestNastyServers(t *testing.T) {
	for name, end := range nasty() {
		t.Run(name, func(t *testing.T) {
			n, requests := serveRaw(t, end)
			c := openClient(t, operations(), n)
			check(t, "read", invoke(t, c, "read", ""), history.Fail, "", "")
			check(t, "write", invoke(t, c, "write", "5"), history.Info, "5", "")
			check(t, "cas", invoke(t, c, "cas", "[1,2]"), history.Info, "[1,2]", "")
			if n := requests.Load(); n != 3 {
				t.Errorf("%d requests for three operations", n)
			}
		})
	}
}

// TestHang: patience ends, with the request at the server.
func TestHang(t *testing.T) {
	for name, header := range map[string]string{"before the answer": "", "in the answer": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1"} {
		t.Run(name, func(t *testing.T) {
			for f, want := range map[string]history.Type{"read": history.Fail, "write": history.Info, "cas": history.Info} {
				ctx, cancel := context.WithCancel(t.Context())
				over := make(chan struct{})
				n, _ := serveRaw(t, func(c net.Conn) {
					_, _ = io.WriteString(c, header) // the client reads it, or has hung up
					cancel()
					<-over
				})
				op := openClient(t, operations(), n).Invoke(ctx, operation(f, "[1,2]"))
				check(t, f, op, want, "[1,2]", "context canceled")
				close(over)
				cancel()
			}
		})
	}
}

// TestSwitchHangs: after this answer Go hands out the bare connection, on which
// a read would wait for ever.
func TestSwitchHangs(t *testing.T) {
	over := make(chan struct{})
	n, _ := serveRaw(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n") // or the client sees no answer
		<-over
	})
	defer close(over)
	check(t, "write", invoke(t, openClient(t, operations(), n), "write", "1"), history.Info, "1", "101 Switching Protocols")
}

func TestNotConnected(t *testing.T) {
	c := openClient(t, operations(), closedPort(t))
	for _, f := range []string{"read", "write", "cas"} {
		check(t, f, invoke(t, c, f, "[1,2]"), history.Fail, "[1,2]", "not sent: dial tcp")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n := serve(t, func(nethttp.ResponseWriter, *nethttp.Request) { t.Error("a request was sent") })
	op := openClient(t, operations(), n).Invoke(ctx, operation("write", "1"))
	check(t, "canceled before it began", op, history.Fail, "1", "not sent")
}

// TestSentOnce: a connection that has served one request well breaks under the
// second. Go would send that again, on a new connection, in most of these
// cases if it were let.
func TestSentOnce(t *testing.T) {
	key := map[string]string{"Idempotency-Key": "1"}
	xkey := map[string]string{"x-idempotency-key": "1"}
	for _, o := range []scenarios.HTTPOperation{
		{Method: "PUT", Body: "{value}"},
		{Method: "PUT", Body: "{value}", Header: key},
		{Method: "POST", Body: "{value}", Header: xkey},
		{Method: "POST"},
		{Method: "POST", Header: key},
		{Method: "PUT", Header: xkey},
		{Method: "DELETE", Header: key},
		{Method: "GET"},
		{Method: ""},
		{Method: "GET", Body: "{value}"},
		{Method: "GET", Header: key},
		{Method: "HEAD"},
		{Method: "OPTIONS"},
		{Method: "TRACE", Header: key},
	} {
		o.Path = "/set?v={value}"
		for _, end := range []string{"close", "reset"} {
			about := fmt.Sprintf("%s %q %v, %s", o.Method, o.Body, o.Header, end)
			n, requests := serveOnce(t, end)
			c := openClient(t, map[string]scenarios.HTTPOperation{"write": o}, n)
			check(t, about+": first", invoke(t, c, "write", "1"), history.OK, "1", "")
			check(t, about+": second", invoke(t, c, "write", "2"), history.Info, "2", "")
			if n := requests(); n != 2 {
				t.Errorf("%s: %d requests for two operations", about, n)
			}
		}
	}
}

// serveOnce runs a server that answers the first request of a connection, and
// breaks it when it has read the second. It returns how many it read.
func serveOnce(t *testing.T, end string) (client.Node, func() int32) {
	t.Helper()
	second := new(atomic.Int32)
	n, first := serveRaw(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") // or the next read fails
		if readRequest(bufio.NewReader(c)) == nil {
			second.Add(1)
		}
		if end == "reset" {
			_ = c.(*net.TCPConn).SetLinger(0) // it is about to be closed
		}
	})
	return n, func() int32 { return first.Load() + second.Load() }
}

// TestOneConnection: operations of a client share a connection, and those of
// two clients do not.
func TestOneConnection(t *testing.T) {
	addrs := map[string]int{}
	n := serve(t, func(_ nethttp.ResponseWriter, r *nethttp.Request) { addrs[r.RemoteAddr]++ })
	for range 2 {
		c := openClient(t, operations(), n)
		for range 3 {
			check(t, "write", invoke(t, c, "write", "1"), history.OK, "1", "")
		}
	}
	var counts []int
	for _, n := range addrs {
		counts = append(counts, n)
	}
	if diff := cmp.Diff([]int{3, 3}, counts); diff != "" {
		t.Errorf("requests by connection (-want +got):\n%s", diff)
	}
}

// TestComesBack: a client whose node has restarted goes on with a new
// connection.
func TestComesBack(t *testing.T) {
	h := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, _ *nethttp.Request) { _, _ = io.WriteString(w, "7") })
	before := httptest.NewServer(h)
	n := nodeAt(t, before.Listener.Addr())
	c := openClient(t, operations(), n)
	check(t, "before", invoke(t, c, "read", ""), history.OK, "7", "")
	before.Close()
	if op := invoke(t, c, "read", ""); op.Type != history.Fail {
		t.Errorf("while the node is gone: %+v", op)
	}
	l, err := net.Listen("tcp", before.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	after := httptest.NewUnstartedServer(h)
	_ = after.Listener.Close() // of no use: it has another port
	after.Listener = l
	after.Start()
	defer after.Close()
	check(t, "after", invoke(t, c, "read", ""), history.OK, "7", "")
}
