package docker

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// secondEngine starts another engine on this machine, and the network that both
// share, or skips and says why it cannot.
func secondEngine(t *testing.T) (second *Engine, dir string) {
	t.Helper()
	return secondEngineOn(t, "bridge")
}

// secondEngineOn is secondEngine with a network of a kind; but for a bridge, the
// engine is on a host of its own.
func secondEngineOn(t *testing.T, network string) (second *Engine, dir string) {
	t.Helper()
	for _, program := range []string{"dockerd", "docker", "ip", "nsenter", "openssl"} {
		if _, err := exec.LookPath(program); err != nil || os.Getuid() != 0 {
			t.Skipf("a second engine takes root and %s: %v", program, err)
		}
	}
	dir = filepath.Join(t.TempDir(), "engine")
	script := func(do string) {
		c := exec.Command("bash", "../.ci/engines", do, dir)
		c.Env = append(os.Environ(), "TLS=1", "NETWORK="+network)
		if out, err := c.CombinedOutput(); err != nil {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("%s a second engine: %v\n%s\n%s", do, err, out, log)
		}
	}
	t.Cleanup(func() { script("down") })
	script("up")
	second, err := OpenAt(t.Context(), Location{URL: "unix://" + filepath.Join(dir, "docker.sock")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Close() })
	return second, dir
}

// sharedNetwork is the name of the network that the engine in dir has with the first.
func sharedNetwork(t *testing.T, dir string) string {
	t.Helper()
	name, err := os.ReadFile(filepath.Join(dir, "network"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(name))
}

// upFleet starts n1 and n3 on this machine's engine, and n2 on a second one.
func upFleet(t *testing.T) (f *Fleet, first, second *Engine, dir string) {
	t.Helper()
	first = engine(t)
	second, dir = secondEngine(t)
	s := abdSpec(runName(t), abdImage(t, first), 3)
	if _, err := second.Image(t.Context(), abdBuild(), nil); err != nil {
		t.Fatal(err)
	}
	berths := []Berth{{Engine: first, Name: "first", Nodes: []string{"n1", "n3"}}, {Engine: second, Name: "second", Nodes: []string{"n2"}}}
	f, err := UpFleet(t.Context(), berths, sharedNetwork(t, dir), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Down(context.Background()) })
	return f, first, second, dir
}

// Nodes of two engines are one cluster: they reach each other by name and
// address, are cut off from each other where they receive, killed and started
// again, and all of it is gone afterwards from both.
func TestFleetOfTwoEngines(t *testing.T) {
	f, first, second, dir := upFleet(t)
	put := func(node, value string) error { return putAt(t, f.Address(node), value) }
	eventually(t, "a write through the node of the second engine", func() error { return put("n2", "1") })

	ask := func(r agent.Request) agent.Reply {
		t.Helper()
		reply, err := f.Ask(t.Context(), r)
		if err != nil {
			t.Fatalf("%s: %v", r.Do, err)
		}
		return reply
	}
	// n2 is alone: it hears nobody, and nobody hears it.
	ask(agent.Request{Do: agent.Cut, ID: "cut", Pairs: [][2]string{{"n1", "n2"}, {"n3", "n2"}, {"n2", "n1"}, {"n2", "n3"}}})
	if err := put("n2", "2"); err == nil {
		t.Error("a node that is cut off has written")
	}
	if err := put("n1", "3"); err != nil {
		t.Errorf("the majority, on one engine: %v", err)
	}
	dropped := ask(agent.Request{Do: agent.Dropped, ID: "cut"})
	if dropped.Number == 0 || !strings.Contains(dropped.Evidence, "first") || !strings.Contains(dropped.Evidence, "second") {
		t.Errorf("dropped: %+v", dropped)
	}
	// One that starts again meanwhile is cut off as before.
	ask(agent.Request{Do: agent.Kill, Node: "n2"})
	if err := f.Restart(t.Context(), "n2"); err != nil {
		t.Fatal(err)
	}
	if err := put("n2", "4"); err == nil {
		t.Error("a node that was started again is not cut off any more")
	}
	mended := ask(agent.Request{Do: agent.Mend, ID: "cut"})
	if !strings.Contains(mended.Evidence, "in the networks of") {
		t.Errorf("mended: %s", mended.Evidence)
	}
	eventually(t, "a write through n2 after the heal", func() error { return put("n2", "5") })

	if err := f.Collect(t.Context(), dir); err != nil {
		t.Error(err)
	}
	for _, n := range f.Nodes() {
		if log, err := os.ReadFile(filepath.Join(dir, n, "stderr.log")); err != nil || !strings.Contains(string(log), n+" serves") {
			t.Errorf("%s logged %q, %v", n, log, err)
		}
	}
	if err := f.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, first, f.spec.Run)
	nothingLeft(t, second, f.spec.Run)
}

// putAt writes a value to the register at an address.
func putAt(t *testing.T, address, value string) error {
	t.Helper()
	code, answer, err := request(t.Context(), "PUT", "http://"+address+":8080/kv/x", value)
	if err == nil && code != 204 {
		err = fmt.Errorf("%d %s", code, answer)
	}
	return err
}

// An engine over TLS is the same engine, to those who have its certificates.
func TestEngineOverTLS(t *testing.T) {
	engine(t)
	second, dir := secondEngine(t)
	port, err := os.ReadFile(filepath.Join(dir, "port"))
	if err != nil {
		t.Fatal(err)
	}
	at := Location{URL: "tcp://127.0.0.1:" + strings.TrimSpace(string(port)), Certificates: filepath.Join(dir, "certs")}
	e, err := OpenAt(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.Info().Version != second.Info().Version {
		t.Errorf("%+v and %+v", e.Info(), second.Info())
	}
	at.Certificates = ""
	if e, err := OpenAt(t.Context(), at); err == nil {
		e.Close()
		t.Error("an engine that wants certificates lets in who has none")
	}
}

// Without a network that engines share there is no cluster, and the error says
// how to make one.
func TestSharedNetworkIsNeeded(t *testing.T) {
	e := engine(t)
	s := abdSpec(runName(t), abdImage(t, e), 2)
	_, err := UpFleet(t.Context(), []Berth{{Engine: e, Name: "first", Nodes: s.Nodes}}, "no-such-network", s, nil)
	var known *Error
	if err == nil || !strings.Contains(err.Error(), "no-such-network") {
		t.Fatalf("got %v", err)
	}
	if !errors.As(err, &known) || !strings.Contains(known.Hint, "docker network create") {
		t.Errorf("the hint is %+v", known)
	}
	nothingLeft(t, e, s.Run)
	_, err = UpFleet(t.Context(), []Berth{{Engine: e, Name: "first", Nodes: s.Nodes}}, "host", s, nil)
	if err == nil || !strings.Contains(err.Error(), "each engine has one") {
		t.Errorf("two nodes on a host's network: %v", err)
	}
}

func TestAddressesAreGivenOnce(t *testing.T) {
	a := addresses{pool: netip.MustParsePrefix("10.9.0.0/29"), taken: addrs("10.9.0.0", "10.9.0.1", "10.9.0.3", "10.9.0.7")}
	all := func() (got []string) {
		given := addrs("10.9.0.2")
		for {
			ip, err := a.next(given)
			if err != nil {
				return got
			}
			given, got = append(given, ip), append(got, ip.String())
		}
	}
	want := []string{"10.9.0.4", "10.9.0.5", "10.9.0.6"}
	if got := all(); !slices.Equal(got, want) {
		t.Errorf("gave %q, want %q", got, want)
	}
	// A swarm takes the first ones for itself, after we have chosen.
	a.ofSwarm = true
	slices.Reverse(want)
	if got := all(); !slices.Equal(got, want) {
		t.Errorf("of a swarm: gave %q, want %q", got, want)
	}
	if last := lastOf(netip.MustParsePrefix("10.9.4.0/22")); last.String() != "10.9.7.255" {
		t.Errorf("the last address is %v", last)
	}
}

func addrs(texts ...string) (out []netip.Addr) {
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}
