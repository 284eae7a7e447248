package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A testNode is a node of a cluster in this process.
type testNode struct {
	*node
	server *httptest.Server
	// cut makes the node's server refuse its peers, as a partition would.
	cut atomic.Bool
	// mute lets it ask its peers, but not tell them anything.
	mute atomic.Bool
}

// cluster starts nodes n1, n2, … that talk to each other over real HTTP.
func cluster(t testing.TB, count int, sloppy bool) []*testNode {
	t.Helper()
	var nodes []*testNode
	all := map[string]string{}
	for i := range count {
		n := &testNode{}
		n.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.cut.Load() && strings.HasPrefix(r.URL.Path, "/peer/") {
				panic(http.ErrAbortHandler)
			}
			n.handler().ServeHTTP(w, r)
		}))
		t.Cleanup(n.server.Close)
		nodes = append(nodes, n)
		all[fmt.Sprintf("n%d", i+1)] = n.server.URL
	}
	for i, n := range nodes {
		s, err := openStore("")
		if err != nil {
			t.Fatal(err)
		}
		if n.node, err = newNode(fmt.Sprintf("n%d", i+1), all, s, 30*time.Second, sloppy); err != nil {
			t.Fatal(err)
		}
		n.client.Transport = gate{n, n.client.Transport}
		t.Cleanup(n.late.Wait)
	}
	return nodes
}

// isolate cuts a node off in both directions.
func (n *testNode) isolate() { n.cut.Store(true) }

func (n *testNode) rejoin() { n.cut.Store(false) }

// A gate lets requests out of a node that is not cut off.
type gate struct {
	node *testNode
	next http.RoundTripper
}

func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if g.node.cut.Load() || g.node.mute.Load() && r.Method == http.MethodPut {
		return nil, errors.New("cut off")
	}
	return g.next.RoundTrip(r)
}

func (n *testNode) do(t testing.TB, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, n.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func (n *testNode) expect(t testing.TB, method, path, body string, code int, want string) {
	t.Helper()
	if got, text := n.do(t, method, path, body); got != code || (code == 200 && text != want) {
		t.Errorf("%s %s on %s: got %d %q, want %d %q", method, path, n.name, got, text, code, want)
	}
}

func TestWhatOneWritesAllRead(t *testing.T) {
	nodes := cluster(t, 5, false)
	nodes[0].expect(t, "GET", "/kv/x", "", 404, "")
	for i, n := range nodes {
		value := fmt.Sprintf(`{"by": %d, "with": "a/b ü"}`, i)
		n.expect(t, "PUT", "/kv/x%20y", value, 204, "")
		for _, other := range nodes {
			other.expect(t, "GET", "/kv/x%20y", "", 200, value)
		}
	}
	nodes[3].expect(t, "GET", "/kv/x", "", 404, "")
	nodes[3].expect(t, "GET", "/healthz", "", 200, "")
}

func TestAMinorityMayBeGone(t *testing.T) {
	nodes := cluster(t, 5, false)
	nodes[0].expect(t, "PUT", "/kv/x", "1", 204, "")
	nodes[3].isolate()
	nodes[4].isolate()
	nodes[0].expect(t, "PUT", "/kv/x", "2", 204, "")
	nodes[1].expect(t, "GET", "/kv/x", "", 200, "2")
	// Those who are alone say so, and what they refused does not come back.
	nodes[4].expect(t, "GET", "/kv/x", "", 503, "")
	nodes[4].expect(t, "PUT", "/kv/x", "lost", 503, "")
	nodes[4].expect(t, "GET", "/healthz", "", 503, "")
	nodes[4].rejoin()
	nodes[4].expect(t, "GET", "/kv/x", "", 200, "2")
}

func TestSloppyReadsAreStale(t *testing.T) {
	nodes := cluster(t, 3, true)
	nodes[0].expect(t, "PUT", "/kv/x", "1", 204, "")
	nodes[0].late.Wait() // now all three have it
	nodes[2].isolate()
	nodes[0].expect(t, "PUT", "/kv/x", "2", 204, "")
	nodes[2].expect(t, "GET", "/kv/x", "", 200, "1") // the bug
	right := cluster(t, 3, false)
	right[0].expect(t, "PUT", "/kv/x", "1", 204, "")
	right[0].late.Wait()
	right[2].isolate()
	right[0].expect(t, "PUT", "/kv/x", "2", 204, "")
	right[2].expect(t, "GET", "/kv/x", "", 503, "")
}

// TestAReadSpreadsWhatItSaw has a write that reached one node only. Once one
// read has returned it, no later read may miss it, whichever majority it asks.
func TestAReadSpreadsWhatItSaw(t *testing.T) {
	nodes := cluster(t, 3, false)
	if err := nodes[0].store.put("x", version{Counter: 7, Node: "n1", Value: "half written"}); err != nil {
		t.Fatal(err)
	}
	nodes[2].isolate() // so that the majority is n1 and n2
	nodes[1].expect(t, "GET", "/kv/x", "", 200, "half written")
	nodes[2].rejoin()
	nodes[0].isolate() // and now n2 and n3
	nodes[2].expect(t, "GET", "/kv/x", "", 200, "half written")
}

// TestAWriteThatBeganMayTakeEffect loses the majority between the two halves
// of a write.
func TestAWriteThatBeganMayTakeEffect(t *testing.T) {
	nodes := cluster(t, 3, false)
	nodes[0].mute.Store(true)
	nodes[0].expect(t, "PUT", "/kv/x", "maybe", 504, "")
	nodes[1].expect(t, "PUT", "/kv/y", "1", 204, "")
	nodes[0].mute.Store(false)
	nodes[0].expect(t, "GET", "/kv/x", "", 200, "maybe")
}

func TestVersionsAreTotallyOrdered(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) version {
		return version{Counter: rapid.Uint64Range(0, 3).Draw(t, "counter"), Node: rapid.SampledFrom([]string{"n1", "n2", "n3"}).Draw(t, "node")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := draw.Draw(t, "a"), draw.Draw(t, "b"), draw.Draw(t, "c")
		if count(a.newerThan(b), b.newerThan(a), a.same(b)) != 1 {
			t.Fatalf("%v and %v are not in one order", a, b)
		}
		if a.newerThan(b) && b.newerThan(c) && !a.newerThan(c) {
			t.Fatalf("%v, %v, %v go round", a, b, c)
		}
	})
}

func count(bs ...bool) (n int) {
	for _, b := range bs {
		if b {
			n++
		}
	}
	return n
}

// TestNoVersionIsGivenTwice issues and receives versions and restarts in
// between, sometimes with the last line of the log cut short.
func TestNoVersionIsGivenTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "abd-test-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		s := reopen(t, dir, nil)
		given := map[version]bool{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				v, err := s.issue("x", "n1", "", rapid.Uint64Range(0, 5).Draw(t, "seen"))
				if err != nil || given[v] {
					t.Fatalf("%v was given twice (%v)", v, err)
				}
				given[v] = true
			case 2:
				v := version{Counter: rapid.Uint64Range(0, 40).Draw(t, "counter"), Node: "n2"}
				if err := s.put("x", v); err != nil {
					t.Fatal(err)
				}
			case 3:
				before := s.get("x")
				s = reopen(t, dir, s)
				if after := s.get("x"); after != before {
					t.Fatalf("held %v, and %v after a restart", before, after)
				}
			}
		}
		s.log.Close()
	})
}

// reopen opens the store again as after a crash in the middle of a line.
func reopen(t *rapid.T, dir string, old *store) *store {
	t.Helper()
	if old != nil {
		torn := rapid.SampledFrom([]string{"", "{", `{"key":"x","coun`}).Draw(t, "torn")
		_, err := old.log.WriteString(torn)
		if err := errors.Join(err, old.log.Close()); err != nil {
			t.Fatal(err)
		}
	}
	s, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStoreRefusesADamagedLog(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "abd.log"), []byte("{\"key\":\nrest\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openStore(dir); err == nil {
		t.Error("a damaged log was taken")
	}
}

func TestStoreTakesNothingAfterAWriteFailed(t *testing.T) {
	s, err := openStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.log.Close()
	for range 2 {
		if err := s.put("x", version{Counter: 1, Node: "n1"}); err == nil {
			t.Error("a write that is not on disk was taken")
		}
	}
	if got := s.get("x"); got.Counter != 0 {
		t.Errorf("it holds %v", got)
	}
}

func TestParsePeers(t *testing.T) {
	got, err := parsePeers("n1=http://a:1,n2=http://b:2")
	if diff := cmp.Diff(map[string]string{"n1": "http://a:1", "n2": "http://b:2"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, bad := range []string{"", "n1", "=x", "n1=a,n1=b", "n1=a,"} {
		if _, err := parsePeers(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	if _, err := newNode("n9", got, nil, time.Second, false); err == nil {
		t.Error("a node that is not among its peers")
	}
}

func TestRunRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-x"}, {"-peers=nonsense"}, {"-peers=n1=http://a", "-name=n2"},
		{"-peers=n1=http://a", "-name=n1", "-data=" + file},
		{"-peers=n1=http://a", "-name=n1", "-listen=256.0.0.1:0"},
	} {
		if err := run(args); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

func TestValuesAreBounded(t *testing.T) {
	nodes := cluster(t, 1, false)
	nodes[0].expect(t, "PUT", "/kv/x", strings.Repeat("x", maxValue+1), 400, "")
	nodes[0].expect(t, "PUT", "/kv/x", strings.Repeat("x", maxValue), 204, "")
	nodes[0].expect(t, "PUT", "/peer/x", "not json", 400, "")
}

func TestQuorumEndsWithItsContext(t *testing.T) {
	nodes := cluster(t, 3, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never := make(chan struct{})
	defer close(never)
	_, err := nodes[0].quorum(ctx, version{}, func(context.Context, string) (version, error) {
		<-never
		return version{}, nil
	})
	if !errors.Is(err, errNoMajority) {
		t.Errorf("got %v", err)
	}
}

// TestLinearizable has clients at all nodes while one node after the other is
// cut off, and lets porcupine judge. The sloppy register must be caught.
func TestLinearizable(t *testing.T) {
	for _, sloppy := range []bool{false, true} {
		t.Run(fmt.Sprintf("sloppy %v", sloppy), func(t *testing.T) {
			nodes := cluster(t, 3, sloppy)
			for round := range 20 {
				history := hammer(t, nodes, 4, 25)
				right := porcupine.CheckOperations(registerModel(), history)
				if right == sloppy && (!sloppy || round == 19) {
					t.Fatalf("round %d: linearizable is %v", round, right)
				}
				if !right {
					return
				}
				nodes = cluster(t, 3, sloppy)
			}
		})
	}
}

// hammer runs clients, of which each stays with its node, and returns what
// they saw. A write whose end is unknown stays open for ever; what failed is
// left out.
func hammer(t *testing.T, nodes []*testNode, clients, operations int) []porcupine.Operation {
	t.Helper()
	begin := time.Now()
	histories := make([][]porcupine.Operation, clients)
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(c), 0))
			for i := range operations {
				n := nodes[c%len(nodes)]
				o := porcupine.Operation{ClientId: c, Input: "", Call: int64(time.Since(begin))}
				method, value := "GET", ""
				if random.IntN(2) == 0 {
					method, value = "PUT", fmt.Sprintf("%d-%d", c, i)
					o.Input = value
				}
				code, text := n.do(t, method, "/kv/x", value)
				o.Return, o.Output = int64(time.Since(begin)), text
				switch code {
				case 504:
					o.Return, o.ClientId = math.MaxInt64, clients+c*operations+i
				case 404:
					o.Output = ""
				case 503:
					continue
				}
				histories[c] = append(histories[c], o)
				if c == 0 {
					nodes[(i/5)%3].cut.Store(i%5 != 4)
				}
			}
		})
	}
	all.Wait()
	return slices.Concat(histories...)
}

// registerModel is a register: an input of "" reads, any other is written.
func registerModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			if input == "" {
				return output == state, state
			}
			return true, input
		},
	}
}
