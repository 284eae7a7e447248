package docker

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// Every right that is given for nothing is one that a mistake of ours can use.
func TestCapabilitiesFollowThePlan(t *testing.T) {
	for _, test := range []struct {
		faults []string
		apart  bool
		want   string
	}{
		{[]string{}, false, "DAC_OVERRIDE KILL"},
		{[]string{"kill", "pause", "rolling", "custom"}, false, "DAC_OVERRIDE KILL"},
		{[]string{"partition"}, false, "DAC_OVERRIDE KILL NET_ADMIN"},
		{[]string{"partition"}, true, "DAC_OVERRIDE KILL NET_ADMIN SYS_ADMIN SYS_PTRACE"},
		{[]string{"clock", "kill"}, false, "DAC_OVERRIDE KILL SYS_PTRACE"},
		{[]string{"resources"}, false, "DAC_OVERRIDE KILL SETGID SETUID"},
		{[]string{"dns"}, false, "DAC_OVERRIDE KILL NET_ADMIN SYS_ADMIN SYS_PTRACE"},
		{[]string{"latency"}, false, "DAC_OVERRIDE KILL NET_ADMIN NET_RAW SYS_ADMIN SYS_PTRACE"},
		{[]string{"disk"}, false, "DAC_OVERRIDE KILL SYS_ADMIN"},
		{nil, false, "DAC_OVERRIDE KILL NET_ADMIN NET_RAW SETGID SETUID SYS_ADMIN SYS_PTRACE"},
	} {
		if got := strings.Join(capabilities(test.faults, test.apart), " "); got != test.want {
			t.Errorf("%v (apart: %v): %s, want %s", test.faults, test.apart, got, test.want)
		}
	}
}

// With the rights for its own faults alone, each kind of fault works, and the
// agent of a plan that only kills may neither change networks nor look into
// processes nor mount.
func TestLeastRightsAreEnough(t *testing.T) {
	e := engine(t)
	img := abdImage(t, e)
	for name, test := range map[string]struct {
		faults   []string
		requests []agent.Request
	}{
		"kill": {[]string{"kill", "pause"}, []agent.Request{
			{Do: agent.Freeze, ID: "p", Node: "n1"}, {Do: agent.Thaw, ID: "p", Node: "n1"},
			{Do: agent.Stop, ID: "s", Node: "n1"}, {Do: agent.Kill, Node: "n2"}}},
		"partition": {[]string{"partition"}, []agent.Request{
			{Do: agent.Cut, ID: "c", Pairs: [][2]string{{"n1", "n2"}}}, {Do: agent.Dropped, ID: "c"}, {Do: agent.Mend, ID: "c"}}},
		"clock": {[]string{"clock"}, []agent.Request{
			{Do: agent.SetClock, ID: "k", Node: "n1", Clock: &agent.Clock{Offset: 1e12}}, {Do: agent.ReadClock, Node: "n1"}, {Do: agent.ResetClock, ID: "k", Node: "n1"}}},
		"latency": {[]string{"latency"}, []agent.Request{
			{Do: agent.Slow, ID: "l", Pairs: [][2]string{{"n1", "n2"}}, Slowdown: &agent.Slowdown{Delay: 1e6, Duplicate: 0.5}}, {Do: agent.Hasten, ID: "l"}}},
		"connections": {[]string{"connections"}, []agent.Request{
			{Do: agent.ResetConnections, Pairs: [][2]string{{"n1", "n2"}}},
			{Do: agent.RefuseConnections, ID: "r", Pairs: [][2]string{{"n1", "n2"}}}, {Do: agent.AllowConnections, ID: "r"}}},
		"dns": {[]string{"dns"}, []agent.Request{
			{Do: agent.MissayNames, ID: "d", Names: &agent.Names{Nodes: []string{"n1"}, Answer: "none"}}, {Do: agent.MendNames, ID: "d"}}},
		"resources": {[]string{"resources"}, []agent.Request{
			{Do: agent.Limit, ID: "r", Node: "n1", Limits: &agent.Limits{CPUs: 0.1, Memory: 64 << 20, Pids: 50, Files: 40}}, {Do: agent.Unlimit, ID: "r", Node: "n1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := abdSpec(runName(t), img, 2)
			s.Faults = test.faults
			c := up(t, e, s)
			i := inspect(t, e, c.agent().id)
			given := append([]string{}, i.HostConfig.CapAdd...)
			for n := range given {
				given[n] = strings.TrimPrefix(given[n], "CAP_")
			}
			slices.Sort(given)
			if want := capabilities(test.faults, false); !slices.Equal(given, want) || i.HostConfig.Privileged || !slices.Contains(i.HostConfig.CapDrop, "ALL") {
				t.Errorf("the agent has %v, and loses %v; want %v", given, i.HostConfig.CapDrop, want)
			}
			for _, r := range test.requests {
				if reply, err := c.Ask(t.Context(), r); err != nil {
					t.Errorf("%s: %v (%s)", r.Do, err, reply.Evidence)
				}
			}
			if name != "kill" {
				return
			}
			for _, r := range []agent.Request{
				{Do: agent.Cut, ID: "c", Pairs: [][2]string{{"n1", "n2"}}},
				{Do: agent.SetClock, ID: "k", Node: "n1", Clock: &agent.Clock{Offset: 1e12}},
			} {
				if reply, err := c.Ask(t.Context(), r); err == nil && !reply.Pending {
					t.Errorf("%s: done, without the right to do it: %s", r.Do, reply.Evidence)
				}
			}
		})
	}
}

// fiftyVariable asks for the test with fifty nodes, which takes most of a minute.
const fiftyVariable = "SHAKEDOWN_TEST_FIFTY"

// Fifty nodes FROM scratch on one engine: up, partitioned, healed, down.
func TestFiftyNodes(t *testing.T) {
	if os.Getenv(fiftyVariable) == "" {
		t.Skip("set " + fiftyVariable + "=1 for fifty nodes")
	}
	e := engine(t)
	s := abdSpec(runName(t), abdImage(t, e), 50)
	s.Faults = []string{"partition"}
	begin := time.Now()
	c := up(t, e, s)
	t.Logf("up after %v", time.Since(begin))
	eventually(t, "a majority of fifty", func() error { return putAt(t, c.Address("n1"), "1") })
	t.Logf("working after %v", time.Since(begin))
	var pairs [][2]string // 20 against 30, both ways
	for _, a := range s.Nodes[:20] {
		for _, b := range s.Nodes[20:] {
			pairs = append(pairs, [2]string{a, b}, [2]string{b, a})
		}
	}
	cut, err := c.Ask(t.Context(), agent.Request{Do: agent.Cut, ID: "cut", Pairs: pairs})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(cut.Evidence)
	if err := putAt(t, c.Address("n1"), "2"); err == nil {
		t.Error("a minority of 20 has written")
	}
	if err := putAt(t, c.Address("n50"), "3"); err != nil {
		t.Errorf("a majority of 30 cannot write: %v", err)
	}
	mended, err := c.Ask(t.Context(), agent.Request{Do: agent.Mend, ID: "cut"})
	if err != nil || mended.Number == 0 {
		t.Errorf("mended: %+v, %v", mended, err)
	}
	t.Log(mended.Evidence)
	eventually(t, "a write by the former minority", func() error { return putAt(t, c.Address("n1"), "4") })
	begin = time.Now()
	if err := c.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("down after %v", time.Since(begin))
	nothingLeft(t, e, s.Run)
}
