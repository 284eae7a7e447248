package scenarios

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds of custom faults.
const (
	defaultStep = 5 * time.Second
	maxStep     = 10 * time.Minute
	// failpointPort is where gofail listens when GOFAIL_HTTP says so, by custom.
	failpointPort = 22381
)

// A Custom is a fault that the scenario itself defines. Each step is done once
// for every target.
type Custom struct {
	// Inject brings the fault about, Verify shows that it is there, and Heal
	// takes it back; all three must be given.
	Inject Step `json:"inject"`
	Verify Step `json:"verify"`
	Heal   Step `json:"heal"`
	// Gone, if it is given, shows that the fault is gone after the heal.
	Gone *Step `json:"gone,omitempty"`
	// Within bounds each step.
	Within time.Duration `json:"within_ns"`
}

// A Step is a command or an HTTP call. In its texts {name}, {ip} and {index}
// stand for the target's own.
type Step struct {
	// Run is a command. On says where it runs: "node", whose image must have
	// it, "orchestrator", the machine that runs shakedown, or in a [Membership]
	// "other", another node.
	Run []string `json:"run,omitempty"`
	On  string   `json:"on,omitempty"`
	// Method, URL and Body are of an HTTP call, which any 2xx answers well.
	Method string `json:"method,omitempty"`
	URL    string `json:"url,omitempty"`
	Body   string `json:"body,omitempty"`
	// Says must be in what is printed or answered, SaysNot must not be.
	Says    string `json:"says,omitempty"`
	SaysNot string `json:"says_not,omitempty"`
}

func customFault() faultKind {
	return faultKind{
		word: Word{"custom", "whatever the scenario says: commands on the node or on this machine, HTTP calls, or a failpoint of gofail; " +
			"with its own verify and heal"},
		options: []string{"target", "inject", "verify", "heal", "gone", "failpoint", "timeout"},
		example: `failpoint: {name: beforeCommit, term: sleep(100)}`,
		read:    readCustom,
	}
}

func readCustom(s section, f *Fault, sc *Scenario) {
	readTarget(s, f, sc)
	c := &Custom{Within: defaultStep}
	f.Custom = c
	s.duration("timeout", &c.Within, minTime, maxStep)
	if s.has("failpoint") {
		for _, other := range []string{"inject", "verify", "heal", "gone"} {
			if s.has(other) {
				s.at(other).reportf("leave it out", "a failpoint has its own %s", other)
			}
		}
		readFailpoint(s.fields["failpoint"], c)
		return
	}
	steps := []struct {
		key, hint string
		into      *Step
	}{
		{"inject", `say what to do, as in inject: {run: [touch, /data/stop]}`, &c.Inject},
		{"verify", `say how it is seen to be there, as in verify: {url: "http://{ip}:8080/status", says: stopped}`, &c.Verify},
		{"heal", `say how it is taken back, as in heal: {run: [rm, /data/stop]}`, &c.Heal},
	}
	for _, step := range steps {
		if s.need(step.key, step.hint) {
			*step.into = readStep(s.fields[step.key])
		}
	}
	if v, ok := s.fields["gone"]; ok {
		gone := readStep(v)
		c.Gone = &gone
	}
}

func readStep(v value) Step {
	return readStepOf(v, []string{"node", "orchestrator"}, "name", "ip", "index")
}

// readStepOf reads a step that can run on those places, with those placeholders.
func readStepOf(v value, places []string, known ...string) Step {
	s := v.section("run", "on", "method", "url", "body", "says", "says_not")
	var out Step
	text := func(v value) (string, bool) { return v.template(known...) }
	read(s, "run", &out.Run, func(v value) ([]string, bool) { return v.step(known) })
	read(s, "url", &out.URL, func(v value) (string, bool) { return v.stepURL(known) })
	read(s, "body", &out.Body, text)
	read(s, "says", &out.Says, text)
	read(s, "says_not", &out.SaysNot, text)
	s.word("on", "place", &out.On, places)
	s.word("method", "method", &out.Method, []string{"GET", "PUT", "POST", "DELETE", "PATCH"})
	switch {
	case !v.isMapping():
	case s.has("run") == s.has("url"):
		s.report("a step is a command or an HTTP call", `write run: [command, argument] or url: "http://{ip}:8080/path"`)
	case s.has("run"):
		s.belongs("url", "method", "body")
		if out.On == "" {
			out.On = "node"
		}
	default:
		s.belongs("run", "on")
		if out.Method == "" {
			out.Method = "GET"
		}
	}
	return out
}

// belongs reports fields that belong to another one that is not there.
func (s section) belongs(to string, fields ...string) {
	for _, key := range fields {
		if s.has(key) {
			s.at(key).reportf("leave it out", "%s belongs to a step with %s", key, to)
		}
	}
}

// step is the command of a step. No shell takes it apart.
func (v value) step(known []string) ([]string, bool) {
	if v.node.Kind != 0 && !v.isList() {
		v.report("a command is a list", `there is no shell that would take it apart; write as in ["/bin/sync", "--now"]`)
		return nil, false
	}
	items, ok := v.items("words")
	if ok && len(items) == 0 {
		v.report("the command is empty", `write as in ["/bin/sync"]`)
		return nil, false
	}
	var out []string
	for _, item := range items {
		s, good := item.scalar("a word of the command")
		good = good && item.onlyPlaceholders(s, known)
		out, ok = append(out, s), ok && good
	}
	return out, ok
}

// stepURL is the address of an HTTP call.
func (v value) stepURL(known []string) (string, bool) {
	s, ok := v.template(known...)
	if !ok {
		return "", false
	}
	filled := strings.NewReplacer("{name}", "n1", "{ip}", "10.0.0.1", "{index}", "1", "{via}", "n2", "{via_ip}", "10.0.0.2").Replace(s)
	at, err := url.Parse(filled)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		v.reportf(`write as in "http://{ip}:8080/path"`, "%q is not the address of an HTTP call", s)
		return "", false
	}
	return s, true
}

// readFailpoint makes the steps of a failpoint of gofail: PUT of the term sets
// it, DELETE takes it back, and the list of all shows which are set.
func readFailpoint(v value, c *Custom) {
	s := v.section("name", "term", "port")
	port := failpointPort
	s.integer("port", &port, 1, 65535)
	var name, term string
	if s.need("name", "name the failpoint, as in name: beforeCommit") {
		read(s, "name", &name, value.failpoint)
	}
	if s.need("term", "say what it does, as in term: sleep(100)") {
		s.text("term", &term)
	}
	at := "http://{ip}:" + strconv.Itoa(port) + "/"
	set := fmt.Sprintf("%s=%s", name, term)
	c.Inject = Step{Method: "PUT", URL: at + name, Body: term}
	c.Verify = Step{Method: "GET", URL: at, Says: set}
	c.Heal = Step{Method: "DELETE", URL: at + name}
	c.Gone = &Step{Method: "GET", URL: at, SaysNot: set}
}

// failpoint is a name as gofail has them: a path of packages and a name.
func (v value) failpoint() (string, bool) {
	s, ok := v.text()
	if ok && strings.ContainsAny(s, " \t\n?#{}") {
		v.reportf("write as in beforeCommit, or go.etcd.io/etcd/server/etcdserver/raftBeforeSave", "%q is not the name of a failpoint", s)
		return "", false
	}
	return s, ok
}
