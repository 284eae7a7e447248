package cli

import (
	"context"
	"fmt"

	"github.com/shakedown-dev/shakedown/docker"
	"github.com/shakedown-dev/shakedown/runner/ssh"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// examineHosts tries on every host of a scenario what each fault needs.
func (r *root) examineHosts(ctx context.Context, j job) ([]symptom, error) {
	plan, err := r.planOf(j, runFlags{fixed: true})
	if err != nil {
		return nil, err
	}
	spec, err := hostsSpec(ctx, "doctor", plan)
	if err != nil {
		return nil, err
	}
	if spec.Agent, err = r.agentForHosts(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	var out []symptom
	for _, f := range ssh.Examine(ctx, spec) {
		where := fmt.Sprintf("host %s, node %s", f.Host, f.Node)
		if f.Err != nil {
			out = append(out, symptom{"host", wellFailed, where + ": " + f.Err.Error(), f.Hint})
			continue
		}
		out = append(out, symptom{Name: "host", Status: wellOK, Detail: where + ": logged in, and the agent runs there as root"})
		out = append(out, abilitySymptoms(f.Abilities)...)
		out = append(out, hostClock(plan.Scenario))
	}
	return append(out, symptom{Name: "faults", Status: wellOK,
		Detail: "rolling and membership take an engine, which makes containers anew: on hosts they are refused; custom runs what the scenario says"}), nil
}

// examineEngines tries on every engine of a scenario what each fault needs,
// where the nodes would be on the network that the engines share.
func examineEngines(ctx context.Context, s *scenarios.Scenario) []symptom {
	all, err := berths(ctx, s)
	defer closeEngines(all)
	var out []symptom
	says, errs := docker.LookAtShared(ctx, all, s.System.Docker.Network)
	for at, b := range all {
		i := b.Engine.Info()
		out = append(out, symptom{Name: "docker", Status: wellOK,
			Detail: fmt.Sprintf("%s: engine %s, API %s, %s/%s, kernel %s, for %s", b.Name, i.Version, i.API, i.OS, i.Arch, i.Kernel, countOf(len(b.Nodes), "node"))})
		if err := b.Engine.FitShared(ctx); err != nil {
			out = append(out, symptom{"reach", wellFailed, err.Error(), hintOf(err)})
			continue
		}
		out = append(out, sharedNetwork(s.System.Docker.Network, says[at], errs[at]), leftovers(ctx, b.Engine))
		out = append(out, abilities(ctx, b.Engine, true)...)
	}
	if err != nil {
		return append(out, symptom{"docker", wellFailed, err.Error(), hintOf(err)})
	}
	if diagnosis(out) == exitExpected { // or it is known by now that it cannot be done
		ctx, cancel := context.WithTimeout(ctx, doctorPatience)
		defer cancel()
		for _, a := range docker.TryShared(ctx, "doctor", all, s.System.Docker.Network) {
			out = append(out, abilitySymptom(a, s.System.Docker.Network == "host")) // hosts need not answer on every port
		}
	}
	return out
}

// sharedNetwork says what one of several engines knows of the network of the
// nodes, and where faults of the network are made there.
func sharedNetwork(name, says string, err error) symptom {
	if err != nil {
		return symptom{"network", wellFailed, err.Error(), hintOf(err)}
	}
	where := "in the network of the node that receives, since the engine's bridge does not see all packets"
	if name == "host" {
		where = "in the host's own network, about the addresses of the nodes only, since there is no bridge"
	}
	return symptom{Name: "network", Status: wellOK, Detail: says + "; partitions are rules " + where}
}

// hostClock says whether faults may touch the hosts' own clocks.
func hostClock(s *scenarios.Scenario) symptom {
	if !s.System.AllowHostClock {
		return symptom{Name: "clock", Status: wellOK, Detail: "of the host itself: not touched, since the scenario does not say allow_host_clock: true"}
	}
	return symptom{Name: "clock", Status: wellWarn, Detail: "of the host itself: allowed, by settime with whoever keeps the time halted; not tried here, since everything on the host lives by it"}
}
