package scenarios

import (
	"slices"
	"strings"
	"time"
)

// Defaults of what is judged.
const (
	defaultHealthyWithin = 30 * time.Second
	defaultCheckTimeout  = 2 * time.Minute
	defaultRecovery      = 15 * time.Second
	maxCheckTimeout      = 24 * time.Hour
)

func readSettle(root section) Settle {
	out := Settle{HealthyWithin: defaultHealthyWithin}
	if v, ok := root.fields["settle"]; ok {
		v.section("healthy_within").duration("healthy_within", &out.HealthyWithin, minTime, maxWait)
	}
	return out
}

func readEarned(root section, sc *Scenario) Earned {
	out := Earned{EveryFaultTookHold: true}
	if v, ok := root.fields["earned"]; ok {
		s := v.section("ok_at_least", "every_fault_took_hold")
		s.integer("ok_at_least", &out.OKAtLeast, 0, maxPlanned)
		s.truth("every_fault_took_hold", &out.EveryFaultTookHold)
		checkReachable(s, out.OKAtLeast, sc)
	}
	return out
}

// checkReachable reports a goal that the run cannot reach by its own plan.
func checkReachable(s section, goal int, sc *Scenario) {
	var total time.Duration
	for _, p := range sc.Phases {
		total += p.For
	}
	sent := total.Seconds() * sc.Workload.RatePerSecond
	if sent > 0 && float64(goal) > sent {
		s.at("ok_at_least").reportf("lower it, or raise the rate", "only %.0f operations are sent in %s", sent, short(total))
	}
}

// defaultModel is the model that has the operations of the mix.
func defaultModel(w Workload) string {
	if w.Mix["cas"] > 0 {
		return "cas-register"
	}
	return "register"
}

func readChecks(root section, w Workload) []Check {
	var out []Check
	if v, ok := root.fields["checks"]; ok {
		items, _ := v.items("checks")
		for _, item := range items {
			out = append(out, readCheck(item, w, out))
		}
	}
	if len(out) == 0 {
		out = []Check{{Check: "linearizable", Model: defaultModel(w), Timeout: defaultCheckTimeout}}
	}
	return out
}

// checkOptions are the fields that belong to each check, besides timeout.
func checkOptions() map[string]string {
	return map[string]string{"linearizable": "model", "recovery": "within", "logs": "forbid"}
}

func readCheck(v value, w Workload, before []Check) Check {
	c := Check{Timeout: defaultCheckTimeout}
	s := v.section("check", "model", "timeout", "within", "forbid")
	if s.need("check", "say what must hold, as in check: linearizable") && !alwaysRun(s.fields["check"]) {
		s.word("check", "check", &c.Check, names(Checks()))
	}
	for _, option := range []string{"model", "within", "forbid"} {
		if c.Check != "" && s.has(option) && checkOptions()[c.Check] != option {
			s.at(option).reportf("leave it out", "%s does not belong to the check %s", option, c.Check)
		}
	}
	s.duration("timeout", &c.Timeout, minTime, maxCheckTimeout)
	switch c.Check {
	case "linearizable":
		readModel(s, &c, w)
	case "recovery":
		c.Within = defaultRecovery
		s.duration("within", &c.Within, minTime, maxWait)
	case "logs":
		readForbid(s, &c)
	case "causal", "session":
		if w.Mix["cas"] > 0 {
			s.at("check").reportf("leave cas out of the mix", "the check %s knows reads and writes, and the mix of the workload has cas", c.Check)
		}
	}
	same := func(o Check) bool { return o.Check == c.Check && o.Model == c.Model && c.Check != "" }
	if slices.ContainsFunc(before, same) {
		s.at("check").reportf("keep one of them", "the check %s is already there", strings.TrimSpace(c.Check+" "+c.Model))
	}
	return c
}

// alwaysRun reports checks that need no mention.
func alwaysRun(v value) bool {
	if name := v.node.Value; name == "stats" || name == "earned" {
		v.reportf("leave it out", "the check %s always runs", name)
		return true
	}
	return false
}

func readModel(s section, c *Check, w Workload) {
	c.Model = defaultModel(w)
	s.word("model", "model", &c.Model, names(Models()))
	if c.Model == "register" && w.Mix["cas"] > 0 {
		s.at("model").report("a register has no cas, and the mix of the workload has", "write model: cas-register")
	}
}

func readForbid(s section, c *Check) {
	if !s.need("forbid", `say which words, as in forbid: ["panic:"]`) {
		return
	}
	read(s, "forbid", &c.Forbid, func(v value) ([]string, bool) { return v.texts("words") })
	if v := s.fields["forbid"]; v.isList() && len(v.node.Content) == 0 {
		v.report("no words are forbidden, so this check can only pass", `name some, as in forbid: ["panic:"]`)
	}
}
