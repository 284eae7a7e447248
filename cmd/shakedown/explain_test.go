package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/cli"
)

// Without this the catalog could name what nobody explains.
func TestCatalogIsExplained(t *testing.T) {
	c := catalog()
	var clients []string
	for _, d := range c.Clients {
		clients = append(clients, d.Name)
	}
	explained := map[string]string{}
	decoder := json.NewDecoder(strings.NewReader(explainAll(t)))
	for decoder.More() {
		var topic struct{ Kind, Name, Says string }
		if err := decoder.Decode(&topic); err != nil {
			t.Fatal(err)
		}
		explained[topic.Kind+" "+topic.Name] = topic.Says
	}
	for kind, names := range map[string][]string{
		"fault": c.Faults, "check": c.Checks, "client": clients, "workload": c.Workloads, "system": c.Recipes,
		"exit code": {"0", "1", "2", "3", "4", "70", "130", "143"},
	} {
		for _, name := range names {
			if len(explained[kind+" "+name]) < 10 {
				t.Errorf("%s %s is explained by %q", kind, name, explained[kind+" "+name])
			}
		}
	}
}

func explainAll(t *testing.T) string {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Main(cli.Env{
		Args: []string{"explain", "--json"}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(string) string { return "" }, Now: time.Now, Chance: func() uint64 { return 1 }, Catalog: catalog(),
	})
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	return out.String()
}
