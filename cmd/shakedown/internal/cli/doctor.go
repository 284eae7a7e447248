package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/docker"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// How a symptom is judged. A warning does not keep a run from working.
const (
	wellOK     = "ok"
	wellWarn   = "warn"
	wellFailed = "failed"
)

// A symptom is one thing that the doctor looked at.
type symptom struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// doctorPatience bounds each examination.
const doctorPatience = 2 * time.Minute

func (r *root) doctor() *cobra.Command {
	var asJSON bool
	var set []string
	c := &cobra.Command{
		Use:   "doctor [SCENARIO]",
		Short: "Try what this machine can do: docker, and each fault for real",
		Long: `Doctor looks at the Go toolchain, docker, processors, memory, disk and what earlier
runs left, and tries what each fault needs for real, on a network namespace and a
process that it throws away. It exits with 3 if anything that is needed is missing.

Where the nodes of SCENARIO are on hosts or on engines of its own, it tries there,
and says of each what would be used, or why not.`,
		Example:           "  shakedown doctor\n  shakedown doctor etcd-hosts\n  shakedown doctor --json",
		Args:              r.arguments(0, 1),
		ValidArgsFunction: completeScenarios,
		RunE: func(c *cobra.Command, args []string) error {
			found, err := r.diagnose(c.Context(), args, set)
			if err != nil {
				return err
			}
			if asJSON {
				if err := printLines(r.env.Stdout, found); err != nil {
					return err
				}
			} else {
				r.printSymptoms(found)
			}
			return silent(diagnosis(found))
		},
	}
	jsonFlag(c, &asJSON)
	setFlag(c, &set)
	return c
}

// diagnose looks where the nodes of the scenario would be, here if none is named.
func (r *root) diagnose(ctx context.Context, args, set []string) ([]symptom, error) {
	if len(args) == 0 {
		return examine(ctx), nil
	}
	jobs, err := r.jobs(args, set)
	if err != nil {
		return nil, err
	}
	s := jobs[0].scenario
	if !elsewhere(s) {
		return examine(ctx), nil
	}
	found := []symptom{toolchain(ctx), processors(), memory(), disk(".")}
	if onEngines(s) {
		return append(found, examineEngines(ctx, s)...), nil
	}
	some, err := r.examineHosts(ctx, jobs[0])
	return append(found, some...), err
}

// diagnosis is the exit code for what was found.
func diagnosis(found []symptom) int {
	for _, s := range found {
		if s.Status == wellFailed {
			return exitEnvironment
		}
	}
	return exitExpected
}

func (r *root) printSymptoms(found []symptom) {
	colours := map[string]string{wellOK: "32", wellWarn: "33", wellFailed: "31"}
	coloured := r.env.colour(r.env.Stdout)
	for _, s := range found {
		word := fmt.Sprintf("%-6s", s.Status)
		if coloured {
			word = "\x1b[" + colours[s.Status] + "m" + word + "\x1b[0m"
		}
		fmt.Fprintf(r.env.Stdout, "%s  %-10s %s\n", word, s.Name, oneLine(s.Detail))
		if s.Hint != "" {
			fmt.Fprintf(r.env.Stdout, "%20shint: %s\n", "", oneLine(s.Hint))
		}
	}
}

// examine looks at everything, docker last, since most depends on it.
func examine(ctx context.Context) []symptom {
	found := []symptom{toolchain(ctx), processors(), memory(), disk(".")}
	e, err := docker.Open(ctx)
	if err != nil {
		return append(found, symptom{"docker", wellFailed, err.Error(), hintOf(err)},
			symptom{"faults", wellFailed, "not tried, since they are tried next to docker's containers", ""})
	}
	defer e.Close()
	i := e.Info()
	if err := e.Fit(ctx); err != nil {
		found = append(found, symptom{"reach", wellFailed, err.Error(), hintOf(err)})
	}
	found = append(found, symptom{Name: "docker", Status: wellOK,
		Detail: fmt.Sprintf("engine %s, API %s, %s/%s, kernel %s, at %s", i.Version, i.API, i.OS, i.Arch, i.Kernel, i.Host)})
	return append(append(found, leftovers(ctx, e)), abilities(ctx, e, false)...)
}

// toolchain looks at what images are built with.
func toolchain(ctx context.Context) symptom {
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	version, err := exec.CommandContext(ctx, "go", "version").Output()
	if errors.Is(err, exec.ErrNotFound) { // as in an image of ours, where nothing else is
		return symptom{"go", wellWarn, "there is no go command: systems that are built from source run only where the engine has their image from before",
			"give the scenario an image: that the engine has, run it once where Go is, or install Go from go.dev/dl"}
	}
	if err != nil {
		return symptom{"go", wellFailed, "the go command does not run: " + err.Error(),
			"install Go from go.dev/dl; node images are built with it"}
	}
	detail := strings.TrimSpace(strings.TrimPrefix(string(version), "go version "))
	proxy, err := exec.CommandContext(ctx, "go", "env", "GOPROXY").Output()
	if err != nil {
		return symptom{"go", wellWarn, detail + "; go env does not work: " + err.Error(), ""}
	}
	from := withoutPasswords(strings.TrimSpace(string(proxy)))
	s := symptom{Name: "go", Status: wellOK, Detail: detail + ", modules from " + from}
	if from == "off" {
		s.Status, s.Hint = wellWarn, "GOPROXY is off: only systems whose modules are in the module cache can be built"
	}
	return s
}

// withoutPasswords hides what stands before an @ in the addresses of proxies:
// what the doctor prints is pasted into bug reports.
func withoutPasswords(proxies string) string {
	return regexp.MustCompile(`//[^/,|@]*@`).ReplaceAllString(proxies, "//…@")
}

// leftovers counts what earlier runs left in docker.
func leftovers(ctx context.Context, e *docker.Engine) symptom {
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	left, err := e.Sweep(ctx, docker.SweepOptions{DryRun: true})
	switch {
	case err != nil:
		return symptom{"leftovers", wellWarn, "cannot be counted: " + err.Error(), hintOf(err)}
	case len(left) == 0:
		return symptom{Name: "leftovers", Status: wellOK, Detail: "nothing is left of earlier runs"}
	}
	return symptom{"leftovers", wellWarn, countOf(len(left), "thing") + " left of earlier runs", "shakedown clean removes them"}
}

// abilities tries what each fault needs, in the place where faults are made.
// Nodes that are apart are not on a bridge of the engine's own.
func abilities(ctx context.Context, e *docker.Engine, apart bool) []symptom {
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	reply, err := e.AskOnce(ctx, "doctor", agent.Request{Do: agent.Probe, Apart: apart})
	if err != nil {
		return []symptom{{"agent", wellFailed, err.Error(), hintOf(err)}}
	}
	if len(reply.Abilities) == 0 {
		return []symptom{{"agent", wellFailed, "it starts, and cannot do anything here", "node containers must run on linux"}}
	}
	out := []symptom{{Name: "agent", Status: wellOK, Detail: "it starts, and answers"}}
	out = append(out, abilitySymptoms(reply.Abilities)...)
	// Most scenarios do without disk faults, and many hosts cannot do them.
	disk := abilitySymptom(e.TryDisk(ctx, "doctor"), true)
	out = append(out, disk)
	for _, a := range e.TryNodes(ctx, "doctor") {
		out = append(out, abilitySymptom(a, true)) // or by a system that needs none of it
	}
	return out
}

// abilitySymptoms tells what of each fault's needs there is.
func abilitySymptoms(all []agent.Ability) (out []symptom) {
	able := map[string]bool{}
	for _, a := range all {
		able[a.Fault] = able[a.Fault] || a.OK
	}
	for _, a := range all {
		optional := a.Fault == "connections" || a.Fault == "dns" || a.Fault == "disk" // Most scenarios do without.
		out = append(out, abilitySymptom(a, able[a.Fault] || optional))
	}
	return out
}

// abilitySymptom is a warning where another way to make the same fault works.
func abilitySymptom(a agent.Ability, another bool) symptom {
	s := symptom{Name: a.Fault, Status: wellOK, Detail: a.Detail, Hint: a.Hint}
	if a.Backend != "" {
		s.Detail = a.Backend + ": " + a.Detail
	}
	switch {
	case a.OK:
	case another:
		s.Status = wellWarn
	default:
		s.Status = wellFailed
	}
	return s
}
