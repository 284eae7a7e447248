package scenarios

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// A composed is what we read of a service in a compose file. Its other keys are
// passed over.
type composed struct {
	name    string
	Image   string    `yaml:"image"`
	Build   yaml.Node `yaml:"build"`
	Command yaml.Node `yaml:"command"`
	Env     yaml.Node `yaml:"environment"`
	Ports   yaml.Node `yaml:"ports"`
	Expose  []string  `yaml:"expose"`
	Volumes yaml.Node `yaml:"volumes"`
	Health  struct {
		Test yaml.Node `yaml:"test"`
	} `yaml:"healthcheck"`
	Scale  int `yaml:"scale"`
	Deploy struct {
		Replicas int `yaml:"replicas"`
	} `yaml:"deploy"`
}

// FromCompose makes the text of a scenario out of a compose file: the services
// of one image become its nodes, their port that of an http client. Of several
// images the one with most services is taken; the text says what was left out,
// and what has to be filled in by hand. name is the scenario's.
func FromCompose(name string, src []byte) ([]byte, error) {
	var file struct {
		Services map[string]*composed `yaml:"services"`
	}
	if err := yaml.Unmarshal(src, &file); err != nil {
		return nil, fmt.Errorf("read the compose file: %w", err)
	}
	nodes, rest := composedNodes(file.Services)
	if len(nodes) == 0 {
		return nil, errors.New("read the compose file: there is no service in it")
	}
	d := draftOf(nodes)
	d.name = nameFrom(name)
	for _, s := range rest {
		d.notes = append(d.notes, fmt.Sprintf("The service %s is left out: its image is another.", s.name))
	}
	return d.text(), nil
}

// composedNodes are the services of the image that most of them have, and the others.
func composedNodes(services map[string]*composed) (nodes, rest []*composed) {
	byImage := map[string][]*composed{}
	for name, s := range services {
		if s == nil {
			continue
		}
		s.name = name
		byImage[s.Image] = append(byImage[s.Image], s)
	}
	var groups [][]*composed
	for _, g := range byImage {
		sort.Slice(g, func(i, j int) bool { return natural(g[i].name, g[j].name) })
		groups = append(groups, g)
	}
	sort.Slice(groups, func(i, j int) bool {
		a, b := weightOf(groups[i]), weightOf(groups[j])
		return a > b || a == b && groups[i][0].name < groups[j][0].name
	})
	for i, g := range groups {
		if i == 0 {
			nodes = g
		} else {
			rest = append(rest, g...)
		}
	}
	sort.Slice(rest, func(i, j int) bool { return rest[i].name < rest[j].name })
	return nodes, rest
}

// natural orders names with numbers, n2 before n10.
func natural(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// weightOf is how many nodes a group of services makes.
func weightOf(g []*composed) int {
	n := 0
	for _, s := range g {
		n += max(1, s.Scale, s.Deploy.Replicas)
	}
	return n
}

// A composeDraft is a scenario that is being made.
type composeDraft struct {
	name, image, data, health string
	nodes, port               int
	command                   []string
	env                       [][2]string
	notes                     []string
}

func draftOf(nodes []*composed) composeDraft {
	first := nodes[0]
	d := composeDraft{image: first.Image, nodes: min(weightOf(nodes), maxClusterNodes), port: portOf(first), data: dataOf(first), health: healthOf(first)}
	if d.image == "" {
		d.image = "my-" + nameFrom(first.name) + ":latest"
		d.notes = append(d.notes, "The service is built, so its image has no name: build and tag it, and write the tag here.")
	}
	if d.port == 0 {
		d.port = 8080
		d.notes = append(d.notes, "No service says its port; 8080 is a guess.")
	}
	var names []string
	for _, s := range nodes {
		names = append(names, s.name)
	}
	d.command = sameFor(nodes, names, func(s *composed) []string { return wordsOf(s.Command) }, &d.notes, "command")
	for _, line := range sameFor(nodes, names, environmentOf, &d.notes, "environment") {
		k, v, _ := strings.Cut(line, "=")
		d.env = append(d.env, [2]string{k, v})
	}
	return d
}

// sameFor are the words of all services with what is each one's own taken for a
// placeholder. Words that differ even so are those of the first, with a note.
func sameFor(nodes []*composed, names []string, words func(*composed) []string, notes *[]string, what string) []string {
	var first []string
	for i, s := range nodes {
		mine := words(s)
		for j, w := range mine {
			mine[j] = generalized(w, s.name, names)
		}
		if i == 0 {
			first = mine
		} else if !slices.Equal(first, mine) {
			*notes = append(*notes, fmt.Sprintf("The %s of %s differs from that of %s by more than its name; the first one's is taken.", what, s.name, nodes[0].name))
			break
		}
	}
	return first
}

// generalized replaces the names of services in a word: a host of one's own by
// {ip}, one's own name by {name}, and where there are several, each by the name
// of its node.
func generalized(word, own string, names []string) string {
	if regexp.MustCompile(`\{[A-Za-z0-9_-]+\}`).MatchString(word) {
		return "TODO" // it would be taken for a placeholder, and there is no way around that
	}
	mentioned := 0
	for _, n := range names {
		if nameIn(n).MatchString(word) {
			mentioned++
		}
	}
	if mentioned < 2 && slices.Contains(names, own) {
		word = regexp.MustCompile(`(//|@)`+regexp.QuoteMeta(own)+`(:\d+)`).ReplaceAllString(word, "${1}{ip}${2}")
		return nameIn(own).ReplaceAllString(word, "${1}{name}${2}")
	}
	for i, n := range names { // a list of all is the same for all
		for nameIn(n).MatchString(word) && n != fmt.Sprintf("n%d", i+1) {
			word = nameIn(n).ReplaceAllString(word, fmt.Sprintf("${1}n%d${2}", i+1))
		}
	}
	return word
}

// nameIn finds a name that stands by itself.
func nameIn(name string) *regexp.Regexp {
	return regexp.MustCompile(`(^|[^A-Za-z0-9_.{-])` + regexp.QuoteMeta(name) + `($|[^A-Za-z0-9_.}-])`)
}

// wordsOf is a command as a list; one in a string is taken apart at blanks.
func wordsOf(n yaml.Node) []string {
	switch n.Kind {
	case yaml.ScalarNode:
		return strings.Fields(n.Value)
	case yaml.SequenceNode:
		var out []string
		for _, c := range n.Content {
			out = append(out, c.Value)
		}
		return out
	}
	return nil
}

// environmentOf is NAME=value, sorted. A variable without a value comes from
// whoever runs compose, and is left out.
func environmentOf(s *composed) []string {
	var out []string
	switch s.Env.Kind {
	case yaml.SequenceNode:
		for _, c := range s.Env.Content {
			if strings.Contains(c.Value, "=") {
				out = append(out, c.Value)
			}
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(s.Env.Content); i += 2 {
			if v := s.Env.Content[i+1]; v.Tag != "!!null" {
				out = append(out, s.Env.Content[i].Value+"="+v.Value)
			}
		}
	}
	slices.Sort(out)
	return out
}

// portOf is the port inside the container that a service shows first.
func portOf(s *composed) int {
	texts := s.Expose
	for _, c := range s.Ports.Content {
		if c.Kind == yaml.MappingNode {
			if target := get(c, "target"); target != nil {
				texts = append([]string{target.Value}, texts...)
				break
			}
			continue
		}
		parts := strings.Split(c.Value, ":")
		texts = append([]string{parts[len(parts)-1]}, texts...)
		break
	}
	for _, t := range texts {
		t, _, _ = strings.Cut(t, "/")
		t, _, _ = strings.Cut(t, "-")
		if n, err := strconv.Atoi(t); err == nil && n > 0 && n < 1<<16 {
			return n
		}
	}
	return 0
}

// dataOf is where a service's first volume is mounted.
func dataOf(s *composed) string {
	for _, c := range s.Volumes.Content {
		at := ""
		if c.Kind == yaml.MappingNode {
			if target := get(c, "target"); target != nil {
				at = target.Value
			}
		} else if parts := strings.Split(c.Value, ":"); len(parts) > 1 {
			at = parts[1]
		}
		if strings.HasPrefix(at, "/") && len(at) > 1 {
			return at
		}
	}
	return ""
}

// healthOf is the path that a health check asks for by HTTP, if it does.
func healthOf(s *composed) string {
	for _, w := range strings.Fields(strings.Join(wordsOf(s.Health.Test), " ")) {
		if u, err := url.Parse(strings.Trim(w, `"'`)); err == nil && strings.HasPrefix(u.Scheme, "http") && u.Path != "" {
			return u.Path
		}
	}
	return ""
}

// text is the scenario with its comments.
func (d composeDraft) text() []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# yaml-language-server: $schema=./scenario.schema.json")
	line("# Made from a compose file; what is marked TODO needs your knowledge of the system.")
	for _, n := range d.notes {
		line("# %s", strings.Map(printable, n))
	}
	line("version: 1\nname: %s\nabout: >\n  TODO: say what this tests, for whoever reads the report.\n", d.name)
	line("system:\n  image: %s\n  nodes: %d\n  ports: {client: %d}", strconv.Quote(d.image), d.nodes, d.port)
	if len(d.command) > 0 {
		line("  command: %s", quotedList(d.command))
	}
	if len(d.env) > 0 {
		line("  env:")
		for _, e := range d.env {
			line("    %s: %s", strconv.Quote(e[0]), strconv.Quote(e[1]))
		}
	}
	if d.data != "" {
		line("  data: %s            # outlives a kill", strconv.Quote(d.data))
	}
	if d.health != "" {
		line("  ready: {http: %s, within: 1m}", strconv.Quote(d.health))
	} else {
		line("  ready: {within: 1m}      # TODO: http: /health, if there is such a path")
	}
	b.WriteString(`
client:
  use: http
  operations:                # TODO: how one reads and writes a key of your system
    read:  {method: GET, path: "/{key}", absent: [404]}
    write: {method: PUT, path: "/{key}", body: "{value}"}
`)
	b.WriteString(StarterStorm(d.nodes))
	return []byte(b.String())
}

func quotedList(words []string) string {
	var all []string
	for _, w := range words {
		all = append(all, strconv.Quote(w))
	}
	return "[" + strings.Join(all, ", ") + "]"
}
