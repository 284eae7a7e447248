package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// readClient reads `client`, over the client of the recipe.
func readClient(root section, sys System, recipe *Recipe) Client {
	var base Client
	if recipe != nil {
		base = recipe.Client.clone()
	}
	k := workloadKind(root)
	v, ok := root.fields["client"]
	if ok {
		return readClientOver(v, base, k)
	}
	if base.Use == "" && (recipe != nil || sys.Image != "" || len(sys.Hosts) > 0) {
		root.at("system").report("nothing says how clients talk to this system",
			"add a client: {use: etcd}, or {use: http, operations: …}")
	}
	if base.Use == "http" {
		needOperations(section{value: root.at("workload")}, base, k)
	}
	base.fillIn(k)
	return base
}

// clientFields are the fields that any of the clients has.
func clientFields() []string {
	out := []string{"use"}
	for _, d := range drivers() {
		for _, name := range d.fields {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// readClientOver reads a client; base is what is known without it.
func readClientOver(v value, base Client, k kind) Client {
	s := v.section(clientFields()...)
	out := Client{Use: base.Use}
	if s.has("use") || base.Use == "" && s.need("use", "write use: http or use: etcd") {
		s.word("use", "client", &out.Use, names(Clients()))
	}
	if out.Use == base.Use {
		out = base.clone()
	}
	checkOwners(s, out.Use)
	s.truth("serializable_reads", &out.SerializableReads)
	fencing := !out.Unfenced
	s.truth("fencing", &fencing)
	out.Unfenced = !fencing
	s.word("isolation", "isolation level", &out.Isolation, names(Isolations()))
	s.word("writes", "place for writes", &out.Writes, []string{"node", "primary"})
	s.integer("wait", &out.Wait, 0, maxClusterNodes)
	s.duration("lease", &out.Lease, minLease, maxWait)
	read(s, "command", &out.Command, value.program)
	if v, ok := s.fields["operations"]; ok {
		readOperations(v, &out, k)
	}
	if out.Use == "exec" && len(out.Command) == 0 && !s.has("command") {
		s.need("command", "name the program, as in command: [python3, client.py]")
	}
	needOperations(s, out, k)
	out.fillIn(k)
	return out
}

// minLease is the shortest lease: etcd gives none below 2s, and counts in seconds.
const minLease = 2 * time.Second

// fillIn sets what the client needs to know and was not told.
func (c *Client) fillIn(k kind) {
	if c.Use == "postgres" && c.Isolation == "" {
		c.Isolation = Isolations()[0].Name
	}
	if c.Use == "redis" && c.Writes == "" {
		c.Writes = "node"
	}
	if k.Name == "lock" && c.Lease == 0 && (c.Use == "etcd" || c.Use == "redis") {
		c.Lease = minLease
	}
}

// checkOwners reports the fields of other clients than the one that is used.
func checkOwners(s section, use string) {
	if use == "" {
		return
	}
	for _, name := range clientFields()[1:] {
		var owners []string
		mine := false
		for _, d := range drivers() {
			if slices.Contains(d.fields, name) {
				owners, mine = append(owners, d.Name), mine || d.Name == use
			}
		}
		if s.has(name) && !mine {
			s.at(name).reportf("leave it out, or use "+orList(owners), "%s belongs to the client %s", name, andList(owners))
		}
	}
}

// program is a command with its arguments.
func (v value) program() ([]string, bool) {
	words, ok := v.texts("words of a command")
	if ok && (len(words) == 0 || len(words) > maxRun) {
		v.report("a command has a program and at most 99 arguments", "as in command: [python3, client.py]")
		return nil, false
	}
	return words, ok
}

// needOperations reports what an http client cannot do without: every key is
// read in the end, and what was never written tells nothing.
func needOperations(s section, c Client, k kind) {
	if c.Use != "http" || s.wrong("operations") {
		return
	}
	for _, name := range k.asks {
		if _, ok := c.Operations[name]; !ok && name != "cas" {
			s.at("operations").reportf(forms()[name].example(name), "the operation %q is missing", name)
		}
	}
}

func (c Client) clone() Client {
	c.Operations = maps.Clone(c.Operations)
	c.Command = slices.Clone(c.Command)
	return c
}

// A form is what the request of an operation says, and whether its answer has
// a value.
type form struct {
	fill    []string
	answers bool
}

// forms are the operations that workloads ask for.
func forms() map[string]form {
	return map[string]form{
		"read":     {[]string{"key"}, true},
		"write":    {[]string{"key", "value"}, false},
		"cas":      {[]string{"key", "old", "new"}, false},
		"txn":      {[]string{"value"}, true},
		"transfer": {[]string{"from", "to", "amount"}, false},
		"add":      {[]string{"key", "value"}, false},
		"enqueue":  {[]string{"key", "value"}, false},
		"dequeue":  {[]string{"key"}, true},
		"drain":    {[]string{"key"}, true},
		"generate": {nil, true},
		"insert":   {[]string{"key", "value"}, false},
		"acquire":  {[]string{"key", "value"}, true},
		"release":  {[]string{"key", "value"}, false},
		"send":     {[]string{"key", "value"}, true},
		"poll":     {[]string{"key", "from"}, true},
	}
}

// operationNames are the operations of all workloads.
func operationNames() []string {
	var out []string
	for _, k := range kinds() {
		for _, name := range k.asks {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

func isOperation(name string) bool { return slices.Contains(operationNames(), name) }

// example is how the operation may be written.
func (f form) example(name string) string {
	path := "/" + name
	if slices.Contains(f.fill, "key") {
		path = "/{key}"
	}
	rest := slices.DeleteFunc(slices.Clone(f.fill), func(p string) bool { return p == "key" })
	switch {
	case len(rest) == 0:
		return fmt.Sprintf("as in %s: {method: GET, path: %q}", name, path)
	case len(rest) == 1:
		return fmt.Sprintf("as in %s: {method: PUT, path: %q, body: \"{%s}\"}", name, path, rest[0])
	}
	return fmt.Sprintf("as in %s: {method: POST, path: \"%s?%s={%s}&%s={%s}\"}", name, path, rest[0], rest[0], rest[1], rest[1])
}

func readOperations(v value, out *Client, k kind) {
	known := k.asks
	if k.Name == "" { // a recipe, which is for any workload
		known = operationNames()
	}
	s := v.section(known...)
	for _, name := range known {
		op, ok := s.fields[name]
		if !ok {
			continue
		}
		if out.Operations == nil {
			out.Operations = map[string]HTTPOperation{}
		}
		out.Operations[name] = readOperation(op, name, k)
	}
}

// filled are the placeholders that a request of the operation must hold: one
// without {key} would make all keys one, and their histories nonsense. A bank
// has only one object to be read.
func filled(operation string, k kind) []string {
	if k.Name == "bank" && operation == "read" {
		return nil
	}
	if k.Name == "monotonic" && operation == "add" {
		return []string{"key"}
	}
	return forms()[operation].fill
}

func readOperation(v value, name string, k kind) HTTPOperation {
	fields := []string{"method", "path", "body", "header", "ok", "fail"}
	answers := forms()[name].answers || k.Name == "monotonic"
	if answers {
		fields = append(fields, "absent", "value")
	}
	s := v.section(fields...)
	var op HTTPOperation
	if s.need("method", "as in method: GET") {
		s.word("method", "method", &op.Method, []string{"GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"})
	}
	if s.need("path", `as in path: "/{key}"`) {
		read(s, "path", &op.Path, func(v value) (string, bool) { return v.urlPath(filled(name, k)...) })
	}
	read(s, "body", &op.Body, func(v value) (string, bool) { return v.template(filled(name, k)...) })
	if v, ok := s.fields["header"]; ok {
		op.Header = readHeader(v)
	}
	readOutcomes(s, &op)
	if answers {
		op.Value = "body"
		read(s, "value", &op.Value, value.answer)
	}
	checkFilled(s, name, op, k)
	return op
}

// checkFilled reports placeholders that the request lacks.
func checkFilled(s section, name string, op HTTPOperation, k kind) {
	if op.Path == "" || s.has("body") && op.Body == "" {
		return
	}
	has := placeholders(op.Path + op.Body)
	for _, need := range filled(name, k) {
		if !slices.Contains(has, need) {
			s.reportf("put it into the path or the body", "the %s does not say {%s} anywhere", name, need)
		}
	}
}

func readHeader(v value) map[string]string {
	out := map[string]string{}
	pairs, _ := v.pairs("a mapping of header fields")
	for _, p := range pairs {
		s, ok := p.value.text()
		if !ok {
			continue
		}
		if strings.ContainsAny(s, "\n\t") || strings.ContainsAny(p.key.node.Value, " \t\n:") || p.key.node.Value == "" {
			p.key.report("this cannot be a header field", "write it as in Content-Type: application/json")
			continue
		}
		p.value.onlyPlaceholders(s, nil)
		out[p.key.node.Value] = s
	}
	return out
}

// readOutcomes reads what the status codes mean, each at most one thing.
func readOutcomes(s section, op *HTTPOperation) {
	seen := map[int]string{}
	for _, outcome := range []struct {
		name string
		into *[]int
	}{{"fail", &op.Fail}, {"absent", &op.Absent}, {"ok", &op.OK}} {
		v, ok := s.fields[outcome.name]
		if !ok {
			continue
		}
		for _, code := range v.codes() {
			n, good := code.integer(100, 599)
			if other, twice := seen[n]; good && twice {
				code.reportf("an answer means one thing", "%d is already in %s", n, other)
			} else if good {
				seen[n] = outcome.name
				*outcome.into = append(*outcome.into, n)
			}
		}
	}
	if s.has("ok") {
		return
	}
	for _, n := range []int{200, 201, 204} {
		if _, taken := seen[n]; !taken {
			op.OK = append(op.OK, n)
		}
	}
}

// codes are the elements of a list, or the one value without a list.
func (v value) codes() []value {
	if v.node.Kind == yaml.ScalarNode {
		return []value{v}
	}
	items, _ := v.items("status codes")
	return items
}

// answer is where a read's value stands.
func (v value) answer() (string, bool) {
	s, ok := v.text()
	field, json := strings.CutPrefix(s, "json:")
	if ok && s != "body" && (!json || slices.Contains(strings.Split(field, "."), "")) {
		v.reportf(`write "body", or json: and the path of a field, as in "json:node.value"`, "%q is no place in an answer", s)
		return "", false
	}
	return s, ok
}
