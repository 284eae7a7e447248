package http

import (
	"encoding/json"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// Operations of other workloads than registers are requests as well: what is in
// them arrives, and what the answer means becomes the outcome.
func TestOtherOperations(t *testing.T) {
	var method, path, body string
	status, answer := 200, ""
	server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		text, _ := io.ReadAll(r.Body)
		method, path, body = r.Method, r.URL.RequestURI(), string(text)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	s := New(scenarios.Client{Operations: map[string]scenarios.HTTPOperation{
		"transfer": {Method: "POST", Path: "/move?from={from}&to={to}", Body: "{amount}", OK: []int{200}, Fail: []int{409}},
		"add":      {Method: "PUT", Path: "/sets/{key}/{value}", OK: []int{200}},
		"dequeue":  {Method: "DELETE", Path: "/queues/{key}/first", OK: []int{200}, Absent: []int{404}, Value: "json:message"},
		"txn":      {Method: "POST", Path: "/txn", Body: "{value}", OK: []int{200}, Fail: []int{409}, Value: "body"},
		"poll":     {Method: "GET", Path: "/logs/{key}?from={from}", OK: []int{200}, Value: "body"},
		"generate": {Method: "POST", Path: "/ids", OK: []int{200}, Value: "body"},
	}}, scenarios.Ready{})
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.Atoi(address.Port())
	c, err := s.Open(t.Context(), client.Node{Name: "n1", IP: address.Hostname(), Ports: map[string]int{"client": port}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, test := range []struct {
		f, key, value string
		status        int
		answer        string
		sent          string
		want          history.Type
		wantValue     string
	}{
		{"transfer", "", `{"from":3,"to":0,"amount":5}`, 200, "", "POST /move?from=3&to=0 5", history.OK, `{"from":3,"to":0,"amount":5}`},
		{"transfer", "", `{"from":3,"to":0,"amount":5}`, 409, "", "POST /move?from=3&to=0 5", history.Fail, ""},
		{"transfer", "", `{"from":3,"to":0,"amount":5}`, 500, "", "POST /move?from=3&to=0 5", history.Info, ""},
		{"add", "s1.1", "7", 200, "", "PUT /sets/s1.1/7 ", history.OK, "7"},
		{"dequeue", "q1", "", 200, `{"message":9}`, "DELETE /queues/q1/first ", history.OK, "9"},
		{"dequeue", "q1", "", 404, ``, "DELETE /queues/q1/first ", history.OK, "null"},
		{"dequeue", "q1", "", 500, ``, "DELETE /queues/q1/first ", history.Info, ""},
		{"dequeue", "q1", "", 200, `{}`, "DELETE /queues/q1/first ", history.Info, ""},
		{"txn", "", `[["r","x",null]]`, 200, `[["r","x",[1]]]`, `POST /txn [["r","x",null]]`, history.OK, `[["r","x",[1]]]`},
		{"poll", "l1", "", 200, `[[0,5],[4,6]]`, "GET /logs/l1?from=0 ", history.OK, `[[0,5],[4,6]]`},
		{"poll", "l1", "", 500, ``, "GET /logs/l1?from=5 ", history.Fail, ""},
		{"poll", "l1", "", 200, `[]`, "GET /logs/l1?from=5 ", history.OK, `[]`},
		{"poll", "l2", "", 200, `[]`, "GET /logs/l2?from=0 ", history.OK, `[]`},
		{"generate", "", "", 200, `17`, "POST /ids ", history.OK, "17"},
	} {
		status, answer = test.status, test.answer
		op := history.Op{F: test.f, Key: test.key}
		if test.value != "" {
			op.Value = json.RawMessage(test.value)
		}
		got := c.Invoke(t.Context(), op)
		if sent := method + " " + path + " " + body; sent != test.sent {
			t.Errorf("%s sends %q, want %q", test.f, sent, test.sent)
		}
		if got.Type != test.want || test.want == history.OK && string(got.Value) != test.wantValue {
			t.Errorf("%s answered %d %s: %v %s %s, want %v %s", test.f, test.status, test.answer, got.Type, got.Value, got.Error, test.want, test.wantValue)
		}
	}
}
