package docker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/shakedown-dev/shakedown/docker/images"
)

// etcdRecipe is what these tests need of the recipe. How recipes are read is
// tested where that is done.
type etcdRecipe struct {
	Lines []struct {
		Prefix, Module, Package string
		Versions                map[string]string
		Replace                 []string
	}
	System struct {
		Command []string
		Peers   string
		Data    string
	}
}

func readEtcdRecipe(t testing.TB) etcdRecipe {
	t.Helper()
	var r etcdRecipe
	text, err := fs.ReadFile(images.FS(), "etcd/recipe.yaml")
	if err := errors.Join(err, yaml.Unmarshal(text, &r)); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r etcdRecipe) build(t testing.TB, version string) Build {
	t.Helper()
	for _, l := range r.Lines {
		if strings.HasPrefix(version, l.Prefix) {
			module := l.Versions[version]
			if module == "" {
				module = "v" + version
			}
			return Build{Recipe: "etcd", Version: version, Module: l.Module, ModuleVersion: module,
				Package: l.Package, Replace: l.Replace, Binary: "/etcd"}
		}
	}
	t.Fatalf("the recipe has no line for %s", version)
	return Build{}
}

func (r etcdRecipe) spec(run string, img Image) Spec {
	return Spec{Run: run, Scenario: "test", Nodes: []string{"n1", "n2", "n3", "n4", "n5"}, Image: img.Ref,
		Command: r.System.Command, Peers: r.System.Peers, Data: r.System.Data, CPUs: 1, MemoryBytes: 512 << 20}
}

// putThroughEtcd makes a linearizable write through a node.
func putThroughEtcd(t testing.TB, c *Cluster, node string) {
	t.Helper()
	eventually(t, "write through "+node, func() error {
		code, text, err := request(t.Context(), "POST", "http://"+c.Address(node)+":2379/v3/kv/put", `{"key":"eA==","value":"MQ=="}`)
		if err == nil && code != 200 {
			err = fmt.Errorf("status %d: %s", code, text)
		}
		return err
	})
}

// TestEtcdLines builds and runs one version of each line. Without a warm
// build cache, each takes a minute or two, so most run only where asked for.
func TestEtcdLines(t *testing.T) {
	if testing.Short() {
		t.Skip("builds etcd, and -short is given")
	}
	e := engine(t)
	goHere(t)
	recipe := readEtcdRecipe(t)
	for _, version := range []string{"3.4.13", "3.5.21", "3.6.16", "3.7.3"} {
		t.Run(version, func(t *testing.T) {
			if version != "3.5.21" && os.Getenv("SHAKEDOWN_ETCD_LINES") != "1" {
				t.Skip("builds one more etcd; set SHAKEDOWN_ETCD_LINES=1 for that")
			}
			img, err := e.Image(t.Context(), recipe.build(t, version), func(s string) { t.Log(s) })
			if err != nil {
				t.Fatal(err)
			}
			c := up(t, e, recipe.spec(runName(t), img))
			for _, node := range c.Nodes() {
				putThroughEtcd(t, c, node)
			}
			code, text, err := request(t.Context(), "GET", "http://"+c.Address("n3")+":2379/version", "")
			if err != nil || code != 200 || !strings.Contains(text, `"etcdserver":"`+version+`"`) {
				t.Errorf("it says that it is %s (%d, %v)", text, code, err)
			}
		})
	}
}

// BenchmarkEtcdUpDown measures what a run waits for, with the image cached:
// five healthy nodes, and their going.
func BenchmarkEtcdUpDown(b *testing.B) {
	e := engine(b)
	recipe := readEtcdRecipe(b)
	img, err := e.Image(b.Context(), recipe.build(b, "3.5.21"), nil)
	if err != nil {
		b.Fatal(err)
	}
	var running, healthy, down time.Duration
	for b.Loop() {
		began := time.Now()
		c, err := e.Up(b.Context(), recipe.spec(runName(b), img), nil)
		if err != nil {
			b.Fatal(err)
		}
		running += time.Since(began)
		for _, node := range c.Nodes() {
			putThroughEtcd(b, c, node)
		}
		healthy += time.Since(began)
		began = time.Now()
		if err := c.Down(b.Context()); err != nil {
			b.Fatal(err)
		}
		down += time.Since(began)
	}
	for name, d := range map[string]time.Duration{"running-s/op": running, "healthy-s/op": healthy, "down-s/op": down} {
		b.ReportMetric(d.Seconds()/float64(b.N), name)
	}
}
