package scenarios

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
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
	return append(kindOfWorkload(w.Use).models, "")[0]
}

func readChecks(root section, w Workload) []Check {
	var out []Check
	if v, ok := root.fields["checks"]; ok {
		items, _ := v.items("checks")
		for _, item := range items {
			out = append(out, readCheck(item, w, out))
		}
	}
	if !slices.ContainsFunc(out, func(c Check) bool { return !slices.Contains(anyWorkload(), c.Check) }) {
		out = append([]Check{usualCheck(w)}, out...)
	}
	return out
}

// usualCheck is what judges the workload if no check of its own is named: to
// see only whether the nodes answer would be to look away.
func usualCheck(w Workload) Check {
	c := Check{Check: kindOfWorkload(w.Use).checks[0], Timeout: defaultCheckTimeout}
	if w.Use == "lock" && w.Mix["write"] == 0 {
		c.Check = "linearizable" // nothing is written under the lock that could tell
	}
	switch c.Check {
	case "linearizable":
		c.Model = defaultModel(w)
	case "invariant":
		c.Model = ruleModels()[0].Name
	}
	c.fillIn(w)
	return c
}

// fillIn tells the check what only the workload knows.
func (c *Check) fillIn(w Workload) {
	if c.Check != "bank" {
		return
	}
	initial := map[string]int{}
	for i := range w.Accounts {
		initial[strconv.Itoa(i)] = w.Balance
	}
	text, err := json.Marshal(initial)
	if err == nil { // numbers by name can always be encoded
		c.option("initial", string(text))
	}
}

// option sets an option of the check.
func (c *Check) option(name string, values ...string) {
	if c.Options == nil {
		c.Options = map[string][]string{}
	}
	c.Options[name] = values
}

// judgementOf is what is known about a check; its options are nil if it is unknown.
func judgementOf(check string) judgement {
	for _, j := range judgements() {
		if j.Name == check {
			return j
		}
	}
	return judgement{}
}

// checkFields are the fields that any of the checks has.
func checkFields() []string {
	out := []string{"check", "timeout"}
	for _, j := range judgements() {
		for _, name := range slices.Sorted(maps.Keys(j.options)) {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

func readCheck(v value, w Workload, before []Check) Check {
	c := Check{Timeout: defaultCheckTimeout}
	if !v.isMapping() {
		v.reportf("write as in check: "+usualCheck(w).Check, "expected a check with its options, got %s", kindOf(v.node))
		return c
	}
	s := v.section(checkFields()...)
	if s.need("check", "say what must hold, as in check: "+usualCheck(w).Check) && !alwaysRun(s.fields["check"]) {
		s.word("check", "check", &c.Check, names(Checks()))
	}
	s.duration("timeout", &c.Timeout, minTime, maxCheckTimeout)
	if c.Check != "" {
		readOptions(s, &c, w)
		checkFits(s, c, w)
	}
	c.fillIn(w)
	same := func(o Check) bool {
		return o.Check == c.Check && o.Model == c.Model && o.Isolation == c.Isolation && c.Check != "" &&
			maps.EqualFunc(o.Options, c.Options, slices.Equal)
	}
	if slices.ContainsFunc(before, same) {
		s.at("check").reportf("keep one of them", "the check %s is already there", strings.TrimSpace(c.Check+" "+c.Model))
	}
	return c
}

// readOptions reads what the check is told, and reports what is another's.
func readOptions(s section, c *Check, w Workload) {
	known := judgementOf(c.Check).options
	for _, name := range checkFields()[2:] {
		kind, ok := known[name]
		switch {
		case !s.has(name) && name != "forbid" && name != "within" && name != "model":
		case !ok && s.has(name):
			s.at(name).reportf("leave it out", "%s does not belong to the check %s", name, c.Check)
		case !ok:
		case kind == aModel:
			readModel(s, c, w)
		case kind == aLevel:
			s.word(name, "isolation level", &c.Isolation, Levels())
		case c.Check == "recovery":
			c.Within = defaultRecovery
			s.duration(name, &c.Within, minTime, maxWait)
		case c.Check == "logs":
			readForbid(s, c)
		case s.has(name):
			s.fields[name].option(kind, name, c)
		}
	}
}

// option reads an option as its kind wants it.
func (v value) option(kind option, name string, c *Check) {
	switch kind {
	case aFlag:
		if yes, ok := v.truth(); ok && yes {
			c.option(name, "true")
		}
	case aDuration:
		if d, ok := v.duration(minTime, maxWait); ok {
			c.option(name, d.String())
		}
	case aShare:
		if share, ok := measure(v, "a share, as in 99%", parseShare); ok {
			c.option(name, strconv.FormatFloat(share, 'g', -1, 64))
		}
	default:
		if words, ok := v.words(); ok {
			c.option(name, words...)
		}
	}
}

// words is a list of words, or one without a list.
func (v value) words() ([]string, bool) {
	if v.isList() {
		return v.texts("words")
	}
	word, ok := v.text()
	return []string{word}, ok
}

// checkFits reports a check that can tell nothing about the workload.
func checkFits(s section, c Check, w Workload) {
	k := kindOfWorkload(w.Use)
	cas := (c.Check == "causal" || c.Check == "session") && w.Mix["cas"] > 0
	switch {
	case !k.fits(c.Check):
		s.at("check").reportf("it can be "+orList(k.judges()), "the check %s tells nothing about the workload %s", c.Check, k.Name)
	case cas:
		s.at("check").reportf("leave cas out of the mix", "the check %s knows reads and writes, and the mix of the workload has cas", c.Check)
	case k.Name == "lock" && c.Check == "linearizable" && w.Mix["write"] > 0:
		s.at("check").report("a lock knows acquire and release, and the mix of the workload has write", "leave write out, as in mix: {acquire: 1}; or judge it by check: invariant")
	case k.Name == "lock" && c.Check == "invariant" && w.Mix["write"] == 0:
		s.at("check").report("nothing is written under the lock, so nothing can break the rule", "write as in mix: {acquire: 1, write: 1}; or judge it by check: linearizable")
	}
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
	if c.Check == "invariant" {
		c.Model = ruleModels()[0].Name
		s.word("model", "model", &c.Model, names(ruleModels()))
		return
	}
	c.Model = defaultModel(w)
	s.word("model", "model", &c.Model, modelsOf(w))
	if c.Model == "register" && w.Mix["cas"] > 0 {
		s.at("model").report("a register has no cas, and the mix of the workload has", "write model: cas-register")
	}
}

// modelsOf are the models of linearizable that fit the workload, all if none
// does: that is reported elsewhere.
func modelsOf(w Workload) []string {
	if models := kindOfWorkload(w.Use).models; len(models) > 0 {
		return models
	}
	return names(linearModels())
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
