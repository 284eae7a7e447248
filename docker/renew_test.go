package docker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
)

// TestNodesAreMadeAnew stops a node, makes it from another image, keeps its
// data, and then takes the data away; with disks of the agent's and without.
func TestNodesAreMadeAnew(t *testing.T) {
	e := engine(t)
	img := abdImage(t, e)
	other := img
	other.Ref = "shakedown-test/other:" + runName(t)
	if err := e.api.ImageTag(t.Context(), img.Ref, other.Ref); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.removeImage(context.Background(), other.Ref) })
	for _, faulty := range []bool{false, true} {
		s := abdSpec(runName(t), img, 1)
		s.FaultyDisk, s.Images = faulty, map[string]string{"2": other.Ref}
		c := up(t, e, s)
		write(t, c, "n1", "k", "v")
		before, err := c.Runs(t.Context(), "n1")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Stop(t.Context(), "n1"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Runs(t.Context(), "n1"); err == nil {
			t.Error("a node that was stopped runs")
		}
		if err := c.Renew(t.Context(), "n1", nemesis.Renewal{Version: "2"}); err != nil {
			t.Fatal(err)
		}
		read(t, c, "n1", "k", "v")
		after, err := c.Runs(t.Context(), "n1")
		if err != nil || after == before || !strings.Contains(after, other.Ref) {
			t.Errorf("it ran %s, and now %s, %v", before, after, err)
		}
		if err := c.Renew(t.Context(), "n1", nemesis.Renewal{Fresh: true}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "its data is gone", func() error {
			code, text, err := request(t.Context(), "GET", "http://"+c.Address("n1")+":8080/kv/k", "")
			if err == nil && code != 404 {
				err = errors.New(text)
			}
			return err
		})
		dir := t.TempDir()
		if err := c.Collect(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"inspect.json", "before-1/inspect.json", "before-2/stderr.log"} {
			if _, err := os.Stat(filepath.Join(dir, "n1", name)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestRenewalsThatCannotBe(t *testing.T) {
	e := engine(t)
	c := up(t, e, abdSpec(runName(t), abdImage(t, e), 1))
	if err := c.Renew(t.Context(), "n1", nemesis.Renewal{Version: "9"}); err == nil || !strings.Contains(err.Error(), "no image was prepared") {
		t.Errorf("got %v", err)
	}
	for _, err := range []error{c.Renew(t.Context(), "n9", nemesis.Renewal{}), c.Stop(t.Context(), "n9")} {
		if err == nil {
			t.Error("a node that there is not was changed")
		}
	}
	if _, err := c.Runs(t.Context(), "n1"); err != nil {
		t.Errorf("n1 no longer runs: %v", err)
	}
}

// TestCommandsOnNodes uses the one program of an image FROM scratch.
func TestCommandsOnNodes(t *testing.T) {
	e := engine(t)
	c := up(t, e, abdSpec(runName(t), abdImage(t, e), 1))
	out, err := c.Exec(t.Context(), "n1", []string{"/abd", "-h"})
	if err != nil && !strings.Contains(err.Error(), "exit code") || !strings.Contains(out, "-peers") {
		t.Errorf("printed %q, %v", out, err)
	}
	var known *Error
	if _, err := c.Exec(t.Context(), "n1", []string{"/bin/sh"}); !errors.As(err, &known) || !strings.Contains(known.Hint, "does not have that command") {
		t.Errorf("a command that the image has not: %v", err)
	}
	if _, err := c.Exec(t.Context(), "n9", []string{"/abd"}); err == nil {
		t.Error("a command ran on a node that there is not")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := c.Exec(ctx, "n1", []string{"/abd", "-name=n1", "-peers=n1=http://127.0.0.1:9", "-data=/tmp/x", "-listen=127.0.0.1:9"}); err == nil {
		t.Error("a command that does not end was not ended")
	}
}

func TestWhoJoinsKnowsTheMembers(t *testing.T) {
	x := expander{nodes: []string{"n1", "n2", "n3"}, ips: []string{"1", "2", "3"}, form: "{name}={ip}"}
	words := []string{"{peers}", "{others}", "{state}"}
	if got := strings.Join(x.command(1, words), " "); got != "n1=1,n2=2,n3=3 n1=1,n3=3 new" {
		t.Error(got)
	}
	x.members, x.joins = []string{"n2", "n3"}, true
	if got := strings.Join(x.command(1, words), " "); got != "n2=2,n3=3 n3=3 existing" {
		t.Error(got)
	}
}
