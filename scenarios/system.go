package scenarios

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Defaults and bounds of a system.
const (
	defaultNodes  = 5
	defaultMemory = 512 << 20
	defaultReady  = time.Minute
	// maxClusterNodes is what one docker host can be asked for; a system that
	// only breaks with more nodes is yet to be found.
	maxClusterNodes = 50
	// minMemory is the least that docker takes.
	minMemory = 6 << 20
	maxCPUs   = 1024
	// maxWait bounds every wait that a scenario can ask for.
	maxWait = time.Hour
	minTime = time.Millisecond
)

// defaultSystem is a system of which nothing is known.
func defaultSystem() System {
	return System{
		Nodes:  defaultNodes,
		Peers:  "{ip}",
		Ready:  Ready{Within: defaultReady},
		Limits: Limits{MemoryBytes: defaultMemory},
	}
}

// nodeFields are the fields that a scenario's system and a recipe's share.
func nodeFields() []string {
	return []string{"command", "env", "peers", "ports", "data", "ready", "leader", "limits", "restart", "membership"}
}

// readSystem reads `system`. The recipe is nil if none is named or known.
func readSystem(v value, recipes Recipes) (System, *Recipe) {
	s := v.section(slices.Concat([]string{"use", "version", "versions", "nodes", "image"}, nodeFields(), hostFields(), []string{"docker"})...)
	sys := defaultSystem()
	recipe := findRecipe(s, recipes)
	if recipe != nil {
		sys = recipe.System.clone()
		sys.Use, sys.Nodes = recipe.Name, defaultNodes
		sys.Version = recipe.Default
	}
	s.version("version", &sys.Version)
	if recipe != nil {
		useVersion(s, &sys, recipe)
	}
	read(s, "image", &sys.Image, value.image)
	s.integer("nodes", &sys.Nodes, 1, maxClusterNodes)
	readNodeFields(s, &sys)
	readHosts(s, &sys)
	readDocker(s, &sys)
	readVersions(s, &sys, recipe)
	checkSource(s)
	if known := recipe != nil || s.has("image") || s.has("hosts"); known && sys.Ports["client"] == 0 && !s.wrong("ports") {
		s.at("ports").report(`the port "client" is missing`, "say where clients connect: ports: {client: 8080}")
	}
	if sys.Leader != nil {
		checkAskPort(s.at("leader").field("port"), sys.Leader, sys)
	}
	return sys, recipe
}

// wrong says whether the field is there and is not a mapping, which has been
// reported, so that there is no use in missing its parts.
func (s section) wrong(key string) bool {
	v, ok := s.fields[key]
	return ok && v.node.Kind != yaml.MappingNode
}

func findRecipe(s section, recipes Recipes) *Recipe {
	if !s.has("use") {
		return nil
	}
	name, _ := s.fields["use"].word("system", names(Systems(recipes)))
	return recipes[name]
}

// checkSource sees that the image comes from exactly one place.
func checkSource(s section) {
	switch {
	case !s.has("use") && !s.has("image") && !s.has("hosts"):
		s.need("use", "name a system (use: etcd) or an image (image: my-system:1.0)")
	case s.has("use") && s.has("image"):
		s.at("image").report("use and image are both given", "a system comes from a recipe (use) or from an image, keep one")
	case s.has("image") && s.has("version"):
		s.at("version").report("a version belongs to use", "name the version in the image: image: my-system:1.0")
	}
}

// useVersion completes the build of a recipe's system for its version.
func useVersion(s section, sys *System, recipe *Recipe) {
	at := s.at("version")
	if recipe.System.Build.Kind == kindDebian {
		sys.Build.Version = sys.Version
		return
	}
	if len(recipe.Lines) == 0 {
		if s.has("version") {
			at.reportf("leave it out", "%s has no versions", recipe.Name)
		}
		return
	}
	build, wrong := recipe.build(sys.Version)
	if wrong != nil {
		at.report(wrong.message, wrong.hint)
		return
	}
	sys.Build = build
}

// build says how the version is built.
func (r *Recipe) build(version string) (*Build, *problem) {
	line, ok := r.line(version)
	if !ok {
		var prefixes []string
		for _, l := range r.Lines {
			prefixes = append(prefixes, l.Prefix+"*")
		}
		return nil, &problem{fmt.Sprintf("no recipe for version %q of %s", version, r.Name), "it can be " + orList(prefixes)}
	}
	module, listed := line.Versions[version]
	if len(line.Versions) > 0 && !listed {
		return nil, &problem{fmt.Sprintf("version %q of %s is not known", version, r.Name),
			fmt.Sprintf("of %s* it can be %s", line.Prefix, orList(slices.Sorted(maps.Keys(line.Versions))))}
	}
	out := r.System.Build.clone()
	out.Replace = slices.Clone(line.Replace)
	out.Version, out.Module, out.Package, out.ModuleVersion = version, line.Module, line.Package, module
	if !listed {
		out.ModuleVersion = "v" + version
	}
	return out, nil
}

func (b *Build) clone() *Build {
	out := *b
	out.Source, out.Replace = slices.Clone(b.Source), slices.Clone(b.Replace)
	out.Packages, out.Without, out.Files = slices.Clone(b.Packages), slices.Clone(b.Without), maps.Clone(b.Files)
	return &out
}

// line is the line of a version: of those with a fitting prefix, the one with
// the longest.
func (r *Recipe) line(version string) (best RecipeLine, ok bool) {
	for _, l := range r.Lines {
		fits := strings.HasPrefix(version, l.Prefix) && len(version) > len(l.Prefix)
		if fits && (!ok || len(l.Prefix) > len(best.Prefix)) {
			best, ok = l, true
		}
	}
	return best, ok
}

func (s System) clone() System {
	s.Command = slices.Clone(s.Command)
	s.Env = maps.Clone(s.Env)
	s.Ports = maps.Clone(s.Ports)
	s.Versions, s.Builds = maps.Clone(s.Versions), maps.Clone(s.Builds)
	if s.Build != nil {
		s.Build = s.Build.clone()
	}
	if s.Leader != nil {
		l := *s.Leader
		s.Leader = &l
	}
	if s.Membership != nil {
		m := *s.Membership
		s.Membership = &m
	}
	return s
}

// image is a name of an image; whether there is one by it, docker knows.
func (v value) image() (string, bool) {
	s, ok := v.text()
	if ok && strings.ContainsAny(s, " \t\n") {
		v.reportf("write it as in my-system:1.0", "%q is not the name of an image", s)
		return "", false
	}
	return s, ok
}

// readNodeFields reads what says how a node is run, over what sys has.
func readNodeFields(s section, sys *System) {
	read(s, "command", &sys.Command, value.command)
	if env, ok := s.fields["env"]; ok {
		readEnv(env, sys)
	}
	read(s, "peers", &sys.Peers, func(v value) (string, bool) { return v.template("name", "ip", "index") })
	if ports, ok := s.fields["ports"]; ok {
		readPorts(ports, sys)
	}
	read(s, "data", &sys.Data, value.location)
	if ready, ok := s.fields["ready"]; ok {
		r := ready.section("http", "within")
		read(r, "http", &sys.Ready.HTTP, func(v value) (string, bool) { return v.urlPath() })
		r.duration("within", &sys.Ready.Within, minTime, maxWait)
	}
	if leader, ok := s.fields["leader"]; ok {
		sys.Leader = readAsk(leader.section(askFields()...))
	}
	s.word("restart", "restart policy", &sys.Restart, names(RestartPolicies()))
	if m, ok := s.fields["membership"]; ok {
		sys.Membership = readMembers(m)
	}
	if limits, ok := s.fields["limits"]; ok {
		l := limits.section("cpus", "memory")
		read(l, "cpus", &sys.Limits.CPUs, func(v value) (float64, bool) { return v.number(maxCPUs) })
		read(l, "memory", &sys.Limits.MemoryBytes, value.memory)
	}
}

func nodePlaceholders() []string {
	return []string{"name", "ip", "index", "data", "peers", "others", "state"}
}

func (v value) command() ([]string, bool) {
	if v.node.Kind == yaml.ScalarNode && v.node.Tag != "!!null" {
		v.report("a command is a list", `there is no shell that would take it apart; write as in ["/server", "--port", "80"]`)
		return nil, false
	}
	items, ok := v.items("words")
	if ok && len(items) == 0 {
		v.report("the command is empty", "leave it out for the one of the image or the recipe")
		return nil, false
	}
	var out []string
	for _, item := range items {
		s, good := item.scalar("a word of the command")
		good = good && item.onlyPlaceholders(s, nodePlaceholders())
		out, ok = append(out, s), ok && good
	}
	return out, ok
}

func readEnv(v value, sys *System) {
	pairs, _ := v.pairs("a mapping of environment variables")
	for _, p := range pairs {
		name := p.key.node.Value
		if name == "" || strings.ContainsAny(name, "= \t\n\x00") {
			p.key.reportf("", "%q cannot be the name of an environment variable", name)
			continue
		}
		s, ok := p.value.scalar("a value")
		if !ok || !p.value.onlyPlaceholders(s, nodePlaceholders()) {
			continue
		}
		if sys.Env == nil {
			sys.Env = map[string]string{}
		}
		sys.Env[name] = s
	}
}

func readPorts(v value, sys *System) {
	pairs, _ := v.pairs("a mapping of names to ports")
	for _, p := range pairs {
		name, ok := p.key.name()
		port, good := p.value.integer(1, 65535)
		if !ok || !good {
			port = -1 // reported; not to be missed as well
		}
		if sys.Ports == nil {
			sys.Ports = map[string]int{}
		}
		sys.Ports[name] = port
	}
}

// location is an absolute path in the container.
func (v value) location() (string, bool) {
	s, ok := v.text()
	if ok && (!path.IsAbs(s) || path.Clean(s) != s || s == "/") {
		v.reportf("begin it at the root, as in /data", "%q is not a path in the container", s)
		return "", false
	}
	return s, ok
}

func (v value) memory() (int64, bool) {
	n, ok := measure(v, "a size, as in 256MiB", parseSize)
	if ok && n != 0 && n < minMemory {
		v.reportf("at least 6MiB, which is the least that docker takes, or 0B for no limit", "%q is too little", v.node.Value)
		return 0, false
	}
	return n, ok
}

// urlPath is the path of a request, with placeholders if any are known.
func (v value) urlPath(known ...string) (string, bool) {
	s, ok := v.template(known...)
	if ok && (!strings.HasPrefix(s, "/") || strings.ContainsAny(s, " \t\n")) {
		v.reportf("begin it with a slash, as in /health, without scheme and host", "%q is not the path of a request", s)
		return "", false
	}
	return s, ok
}
