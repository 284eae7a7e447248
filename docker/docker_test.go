package docker

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/shakedown-dev/shakedown/docker/images"
)

// engine connects to docker, or skips the test and says why.
func engine(t testing.TB) *Engine {
	t.Helper()
	e, err := Open(t.Context())
	if err != nil {
		if os.Getenv("SHAKEDOWN_REQUIRE_DOCKER") == "1" {
			t.Fatal("SHAKEDOWN_REQUIRE_DOCKER is set, and: ", err)
		}
		t.Skip("needs a docker engine: ", err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// runName is a name for a run of this test that no other has.
func runName(t testing.TB) string {
	return fmt.Sprintf("test-%s-%d", strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")), time.Now().UnixNano())
}

// abdBuild is the small register that the tests run on the nodes.
func abdBuild() Build {
	source, err := fs.Sub(images.FS(), "abd")
	if err != nil {
		return Build{}
	}
	return Build{Recipe: "abd", Binary: "/abd", Source: source}
}

func abdImage(t testing.TB, e *Engine) Image {
	t.Helper()
	img, err := e.Image(t.Context(), abdBuild(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func abdSpec(run string, img Image, nodes int) Spec {
	s := Spec{
		Run: run, Scenario: "test", Image: img.Ref,
		Command: []string{"/abd", "-name={name}", "-peers={peers}", "-data=/data", "-timeout=2s"},
		Peers:   "{name}=http://{ip}:8080", Data: "/data", CPUs: 0.5, MemoryBytes: 64 << 20,
	}
	for i := range nodes {
		s.Nodes = append(s.Nodes, fmt.Sprintf("n%d", i+1))
	}
	return s
}

// up starts a cluster that is gone when the test ends, and checks that.
func up(t testing.TB, e *Engine, s Spec) *Cluster {
	t.Helper()
	c, err := e.Up(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Down(context.Background()); err != nil {
			t.Error(err)
		}
		nothingLeft(t, e, s.Run)
	})
	return c
}

// nothingLeft fails the test if the engine has anything of the run.
func nothingLeft(t testing.TB, e *Engine, run string) {
	t.Helper()
	things, err := e.list(context.Background(), run)
	if err != nil {
		t.Error(err)
	}
	for _, th := range things {
		t.Errorf("left behind: %s %s", th.kind, th.name)
	}
}

// eventually waits until ok says nil, and fails after two minutes: a database
// on a machine that is busy with other tests takes its time.
func eventually(t testing.TB, what string, ok func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		err := ok()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// request sends one request to a node and returns the answer's status and body.
func request(ctx context.Context, method, url, body string) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// write and read use the register through one node of an abd cluster.
func write(t testing.TB, c *Cluster, node, key, value string) {
	t.Helper()
	eventually(t, "write through "+node, func() error {
		code, text, err := request(t.Context(), "PUT", "http://"+c.Address(node)+":8080/kv/"+key, value)
		if err == nil && code != http.StatusNoContent {
			err = fmt.Errorf("status %d: %s", code, text)
		}
		return err
	})
}

func read(t testing.TB, c *Cluster, node, key, want string) {
	t.Helper()
	eventually(t, "read through "+node, func() error {
		code, text, err := request(t.Context(), "GET", "http://"+c.Address(node)+":8080/kv/"+key, "")
		if err == nil && (code != http.StatusOK || text != want) {
			err = fmt.Errorf("status %d, %q, want %q", code, text, want)
		}
		return err
	})
}

func inspect(t testing.TB, e *Engine, id string) container.InspectResponse {
	t.Helper()
	i, err := e.api.ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return i
}
