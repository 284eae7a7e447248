package docker

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// diskCluster starts etcd on disks that can be hurt, with more arguments.
func diskCluster(t *testing.T, e *Engine, more ...string) *Cluster {
	t.Helper()
	goHere(t)
	recipe := readEtcdRecipe(t)
	img, err := e.Image(t.Context(), recipe.build(t, "3.5.21"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := recipe.spec(runName(t), img)
	s.Nodes = s.Nodes[:3]
	s.Command = append(s.Command, more...)
	s.FaultyDisk = true
	return up(t, e, s)
}

// etcd sends one request to etcd's gateway until it answers.
func etcd(t *testing.T, c *Cluster, node, path, body string) (answer string) {
	t.Helper()
	eventually(t, path+" through "+node, func() error {
		code, text, err := request(t.Context(), "POST", "http://"+c.Address(node)+":2379/v3/kv/"+path, body)
		if err == nil && code != 200 {
			err = fmt.Errorf("status %d: %s", code, text)
		}
		answer = text
		return err
	})
	return answer
}

func putKey(t *testing.T, c *Cluster, key string) {
	t.Helper()
	etcd(t, c, "n1", "put", fmt.Sprintf(`{"key":%q,"value":"MQ=="}`, base64.StdEncoding.EncodeToString([]byte(key))))
}

func hasKey(t *testing.T, c *Cluster, key string) bool {
	t.Helper()
	return strings.Contains(etcd(t, c, "n2", "range",
		fmt.Sprintf(`{"key":%q}`, base64.StdEncoding.EncodeToString([]byte(key)))), "kvs")
}

// askAll asks the agent the same about every node.
func askAll(t *testing.T, c *Cluster, r agent.Request) (evidence []string) {
	t.Helper()
	for _, node := range c.Nodes() {
		r.Node = node
		reply, err := c.Ask(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		evidence = append(evidence, node+": "+reply.Evidence)
	}
	return evidence
}

// cutPower kills all nodes, takes their disks back to what was synced, and
// starts them again.
func cutPower(t *testing.T, c *Cluster, lose string) {
	t.Helper()
	askAll(t, c, agent.Request{Do: agent.Kill})
	t.Log(askAll(t, c, agent.Request{Do: agent.PowerFail, Disk: &agent.Disk{Lose: lose, Seed: 1}}))
	for _, node := range c.Nodes() {
		if err := c.Restart(t.Context(), node); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEtcdSurvivesPowerFailures runs real etcd on the file system. All nodes
// lose their power at once, in each way, and what was acknowledged is there.
func TestEtcdSurvivesPowerFailures(t *testing.T) {
	c := diskCluster(t, engine(t))
	for i, lose := range []string{"all", "torn", "reordered"} {
		for j := range 50 {
			putKey(t, c, fmt.Sprint(i, "-", j))
		}
		cutPower(t, c, lose)
		for k := range i + 1 {
			for j := range 50 {
				if key := fmt.Sprint(k, "-", j); !hasKey(t, c, key) {
					t.Errorf("after a power failure that loses %s, key %s is gone", lose, key)
				}
			}
		}
	}
}

// TestEtcdWithoutSyncsLosesWrites is the same etcd, told not to sync. The disks
// stop at a moment each, so that it finds a whole log, only an old one.
func TestEtcdWithoutSyncsLosesWrites(t *testing.T) {
	c := diskCluster(t, engine(t), "--unsafe-no-fsync")
	for i := range 50 {
		putKey(t, c, fmt.Sprint(i))
	}
	cutPower(t, c, "torn")
	if hasKey(t, c, "49") {
		t.Error("nothing was lost")
	}
}

// TestDiskRulesReachTheNodes makes syncs fail, of which etcd dies.
func TestDiskRulesReachTheNodes(t *testing.T) {
	c := diskCluster(t, engine(t))
	putKey(t, c, "x")
	askAll(t, c, agent.Request{Do: agent.HurtDisk, ID: "r", Disk: &agent.Disk{Kind: "eio", Path: "**/wal/*", Ops: []string{"sync"}}})
	go func() {
		_, _, _ = request(t.Context(), "POST", "http://"+c.Address("n1")+":2379/v3/kv/put", `{"key":"eA==","value":"Mg=="}`)
	}()
	eventually(t, "etcd dies of EIO", func() error {
		exited, err := c.Exited(t.Context())
		if err == nil && len(exited) == 0 {
			err = fmt.Errorf("all nodes run")
		}
		return err
	})
	hit := askAll(t, c, agent.Request{Do: agent.MendDisk, ID: "r"})
	if !strings.Contains(strings.Join(hit, " "), "sync") {
		t.Errorf("the evidence is %q", hit)
	}
	for _, node := range c.Nodes() {
		if err := c.Restart(t.Context(), node); err != nil {
			t.Fatal(err)
		}
	}
	putKey(t, c, "y")
}

// TestDisksOfAKilledAgentAreRemoved kills the agent, which cannot unmount then.
func TestDisksOfAKilledAgentAreRemoved(t *testing.T) {
	e := engine(t)
	c := diskCluster(t, e)
	if err := e.api.ContainerKill(t.Context(), c.agent().id, "KILL"); err != nil {
		t.Fatal(err)
	}
	gone, errs := e.api.ContainerWait(t.Context(), c.agent().id, container.WaitConditionNotRunning)
	select {
	case <-gone:
	case <-errs: // it is removed already
	}
	if err := c.Down(t.Context()); err != nil {
		t.Error(err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), c.disks) {
		t.Error("a mount is left behind")
	}
}
