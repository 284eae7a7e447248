package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	nft "github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// surroundings are what a run must leave as it was, a line for each thing.
type surroundings map[string]bool

// lookAround takes down all that a run could have changed on this host: rules,
// queues, mounts, control groups and processes of containers, whatever the
// engine has, and the clocks. Other runs, which come and go as they like, are
// left out.
func lookAround(t *testing.T, api *client.Client, run string) surroundings {
	has, others := engineHas(t, api, run)
	s := surroundings{}
	for _, look := range []func(*testing.T) []string{tables(0, ""), queues("self"), enginesMounts, groups, processes, clocks} {
		has = append(has, look(t)...)
	}
	for _, line := range has {
		if !slices.ContainsFunc(others, func(o string) bool { return strings.Contains(line, o) }) {
			s[line] = true
		}
	}
	return s
}

// changed says what is there now and was not, and the other way round.
func (s surroundings) changed(now surroundings) error {
	var lines []string
	for _, line := range slices.Sorted(maps.Keys(now)) {
		if !s[line] {
			lines = append(lines, "new: "+line)
		}
	}
	for _, line := range slices.Sorted(maps.Keys(s)) {
		if !now[line] {
			lines = append(lines, "gone: "+line)
		}
	}
	if len(lines) > 0 {
		return fmt.Errorf("%s", strings.Join(lines, "\n"))
	}
	return nil
}

// tables are the tables of nftables in a network namespace (0: our own), whose
// names begin so, with how many rules they have. The rules in the engine's own
// come and go with anybody's network.
func tables(netns int, prefix string) func(*testing.T) []string {
	return func(t *testing.T) (lines []string) {
		families := map[string]nftables.TableFamily{
			"inet": nftables.TableFamilyINet, "ip": nftables.TableFamilyIPv4, "ip6": nftables.TableFamilyIPv6,
			"arp": nftables.TableFamilyARP, "bridge": nftables.TableFamilyBridge, "netdev": nftables.TableFamilyNetdev,
		}
		for name, family := range families {
			err := nft.Talk(t.Context(), netns, func(c *nftables.Conn) error {
				all, err := c.ListTablesOfFamily(family)
				for _, table := range all {
					if !strings.HasPrefix(table.Name, prefix) {
						continue
					}
					line := "table " + name + " " + table.Name
					if !slices.Contains([]string{"filter", "nat", "raw", "mangle"}, table.Name) {
						line += fmt.Sprintf(", %d rules", rulesIn(c, table))
					}
					lines = append(lines, line)
				}
				return err
			})
			if err != nil {
				t.Errorf("list the tables of %s: %v", name, err)
			}
		}
		return lines
	}
}

func rulesIn(c *nftables.Conn, table *nftables.Table) (n int) {
	chains, err := c.ListChainsOfTableFamily(table.Family)
	if err != nil {
		return -1
	}
	for _, chain := range chains {
		if chain.Table.Name != table.Name {
			continue
		}
		rules, err := c.GetRules(table, chain)
		if err != nil {
			return -1
		}
		n += len(rules)
	}
	return n
}

// queues are the netfilter queues in the network of a process.
func queues(pid string) func(*testing.T) []string {
	return func(*testing.T) (lines []string) {
		text, _ := os.ReadFile("/proc/" + pid + "/net/netfilter/nfnetlink_queue") // not there: no queue ever was
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 1 {
				lines = append(lines, "queue "+fields[0]+" of "+fields[1])
			}
		}
		return lines
	}
}

// enginesMounts are the mounts of FUSE as we, and the engine, see them: we make
// no others. Those of an engine that stores its layers by FUSE come and go with
// anybody's containers.
func enginesMounts(t *testing.T) (lines []string) {
	for _, pid := range append([]string{"self"}, pidsOf("dockerd")...) {
		text, err := os.ReadFile("/proc/" + pid + "/mountinfo")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 4 && strings.Contains(line, " - fuse") && !strings.Contains(line, "fuse-overlayfs") {
				lines = append(lines, "mount of "+pid+" "+fields[4])
			}
		}
	}
	return lines
}

func pidsOf(comm string) (pids []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && strings.TrimSpace(string(text)) == comm {
			pids = append(pids, filepath.Base(filepath.Dir(f)))
		}
	}
	return pids
}

// limitFiles are what says how much a control group may use, and whether it runs.
func limitFiles() []string {
	return []string{"cpu.cfs_quota_us", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "pids.max", "freezer.state",
		"cpu.max", "memory.max", "cgroup.freeze"}
}

// groups are the control groups of containers, with their limits.
func groups(*testing.T) (lines []string) {
	for _, pattern := range []string{"/sys/fs/cgroup/*/docker", "/sys/fs/cgroup/*/docker/*", "/sys/fs/cgroup/docker/*", "/sys/fs/cgroup/system.slice/docker-*"} {
		dirs, _ := filepath.Glob(pattern)
		for _, dir := range dirs {
			lines = append(lines, limitsOf(dir)...)
		}
	}
	return lines
}

func limitsOf(dir string) (lines []string) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil
	}
	lines = append(lines, "group "+dir)
	for _, name := range limitFiles() {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			lines = append(lines, fmt.Sprintf("group %s/%s %s", dir, name, strings.TrimSpace(string(text))))
		}
	}
	return lines
}

// processes are those that run in containers.
func processes(*testing.T) (lines []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cgroup")
	for _, f := range files {
		text, _ := os.ReadFile(f)
		if !strings.Contains(string(text), "/docker") {
			continue
		}
		if comm, err := os.ReadFile(filepath.Join(filepath.Dir(f), "comm")); err == nil { // or it has just ended
			_, group, _ := strings.Cut(string(text), "/docker")
			group, _, _ = strings.Cut(group, "\n")
			lines = append(lines, fmt.Sprintf("process %s %s of %s", filepath.Base(filepath.Dir(f)), strings.TrimSpace(string(comm)), group))
		}
	}
	return lines
}

// clocks are the host's: how far apart they are, to a tenth of a second, and
// what the kernel is told about their rate. Nothing disciplines the clock of a
// machine so much in the time of a test.
func clocks(t *testing.T) []string {
	var real, mono, tai unix.Timespec
	var x unix.Timex
	err := cmp.Or(unix.ClockGettime(unix.CLOCK_REALTIME, &real), unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono),
		unix.ClockGettime(unix.CLOCK_TAI, &tai))
	if _, adjErr := unix.Adjtimex(&x); cmp.Or(err, adjErr) != nil {
		t.Fatal(err, adjErr)
	}
	apart := func(a, b unix.Timespec) time.Duration {
		return time.Duration(a.Nano() - b.Nano()).Round(500 * time.Millisecond)
	}
	return []string{
		"clock: real is ahead of monotonic by " + apart(real, mono).String(),
		"clock: TAI is ahead of real by " + apart(tai, real).String(),
		fmt.Sprintf("clock: TAI offset %d, tick %d", x.Tai, x.Tick),
	}
}

// engineHas is whatever the engine has of a run or of nobody, and by which words
// one knows what is of other runs.
func engineHas(t *testing.T, api *client.Client, run string) (lines, others []string) {
	ctx := context.Background()
	containers, err1 := api.ContainerList(ctx, container.ListOptions{All: true})
	networks, err2 := api.NetworkList(ctx, network.ListOptions{})
	volumes, err3 := api.VolumeList(ctx, volume.ListOptions{})
	if err := cmp.Or(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	note := func(labels map[string]string, line string, words ...string) {
		if of := labels["shakedown.run"]; of != "" && of != run {
			others = append(others, append(words, nft.TableName(of), of)...)
			return
		}
		lines = append(lines, line)
	}
	for _, c := range containers {
		note(c.Labels, fmt.Sprintf("container %s %v %s", c.ID[:12], c.Names, c.State), c.ID)
	}
	for _, n := range networks {
		note(n.Labels, "network "+n.Name)
	}
	for _, v := range volumes.Volumes {
		note(v.Labels, "volume "+v.Name)
	}
	return lines, others
}

// sound returns an error unless nothing is in force of a container: it answers,
// at the right time, with the limits that it was made with, as many descriptors
// as others, and no rule or queue of ours in its network.
func sound(t *testing.T, api *client.Client, id string) error {
	i, err := api.ContainerInspect(context.Background(), id)
	if err != nil || !i.State.Running {
		return err
	}
	if err := rightTime(i); err != nil {
		return err
	}
	if err := rightLimits(i); err != nil {
		return err
	}
	pid := strconv.Itoa(i.State.Pid)
	ns, err := os.Open("/proc/" + pid + "/ns/net")
	if err != nil {
		return err
	}
	defer ns.Close()
	if left := append(tables(int(ns.Fd()), nft.Prefix)(t), queues(pid)(t)...); len(left) > 0 {
		return fmt.Errorf("in its network: %v", left)
	}
	return nil
}

// rightTime asks a node over HTTP, whose answers bear the time by its own clock.
func rightTime(i container.InspectResponse) error {
	address := ""
	for _, n := range i.NetworkSettings.Networks {
		address = cmp.Or(address, n.IPAddress)
	}
	ask := http.Client{Timeout: 2 * time.Second}
	r, err := ask.Get("http://" + address + ":8080/")
	if err != nil {
		return fmt.Errorf("ask it: %w", err)
	}
	defer r.Body.Close()
	says, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		return err
	}
	if off := time.Since(says); off.Abs() > 3*time.Second {
		return fmt.Errorf("its clock is off by %v", off)
	}
	return nil
}

// rightLimits compares what a container was made with and what its group has,
// and how many files it may open with what the engine gives to containers.
func rightLimits(i container.InspectResponse) error {
	quota, memory, pids := "-1", "9223372036854771712", "max"
	if n := i.HostConfig.NanoCPUs; n > 0 {
		quota = strconv.FormatInt(n/10000, 10)
	}
	if n := i.HostConfig.Memory; n > 0 {
		memory = strconv.FormatInt(n, 10)
	}
	for file, want := range map[string]string{
		"cpu/docker/" + i.ID + "/cpu.cfs_quota_us": quota, "memory/docker/" + i.ID + "/memory.limit_in_bytes": memory,
		"pids/docker/" + i.ID + "/pids.max": pids, "freezer/docker/" + i.ID + "/freezer.state": "THAWED",
	} {
		text, err := os.ReadFile("/sys/fs/cgroup/" + file)
		if err != nil {
			continue // an engine that has its groups elsewhere
		}
		if got := strings.TrimSpace(string(text)); got != want {
			return fmt.Errorf("%s is %s, not %s", file, got, want)
		}
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", i.State.Pid))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(limits)) {
		if f := strings.Fields(line); strings.HasPrefix(line, "Max open files") && len(f[3]) < 4 {
			return fmt.Errorf("it may open %s files only", f[3])
		}
	}
	return nil
}
