package scenarios

import (
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// readClient reads `client`, over the client of the recipe.
func readClient(root section, sys System, recipe *Recipe) Client {
	var base Client
	if recipe != nil {
		base = recipe.Client.clone()
	}
	v, ok := root.fields["client"]
	if ok {
		return readClientOver(v, base)
	}
	if base.Use == "" && (recipe != nil || sys.Image != "") {
		root.at("system").report("nothing says how clients talk to this system",
			"add a client: {use: etcd}, or {use: http, operations: …}")
	}
	return base
}

// readClientOver reads a client; base is what is known without it.
func readClientOver(v value, base Client) Client {
	s := v.section("use", "serializable_reads", "operations")
	out := Client{Use: base.Use}
	if s.has("use") || base.Use == "" && s.need("use", "write use: http or use: etcd") {
		s.word("use", "client", &out.Use, names(Clients()))
	}
	if out.Use == base.Use {
		out = base.clone()
	}
	if v, ok := s.fields["serializable_reads"]; ok && out.Use == "http" {
		v.report("serializable_reads belongs to the client etcd", "leave it out")
	}
	s.truth("serializable_reads", &out.SerializableReads)
	if v, ok := s.fields["operations"]; ok {
		if out.Use == "etcd" {
			v.report("operations belong to the client http", "leave them out, or write use: http")
		}
		readOperations(v, &out)
	}
	needOperations(s, out)
	return out
}

// needOperations reports what an http client cannot do without: every key is
// read in the end, and what was never written tells nothing.
func needOperations(s section, c Client) {
	if c.Use != "http" || s.wrong("operations") {
		return
	}
	for _, op := range []struct{ name, hint string }{
		{"read", "as in read: {method: GET, path: \"/{key}\"}"},
		{"write", "as in write: {method: PUT, path: \"/{key}\", body: \"{value}\"}"},
	} {
		if _, ok := c.Operations[op.name]; !ok {
			s.at("operations").reportf(op.hint, "the operation %q is missing", op.name)
		}
	}
}

func (c Client) clone() Client {
	c.Operations = maps.Clone(c.Operations)
	return c
}

// operationNames are the operations of the workload register.
func operationNames() []string { return []string{"read", "write", "cas"} }

func readOperations(v value, out *Client) {
	s := v.section(operationNames()...)
	for _, name := range operationNames() {
		op, ok := s.fields[name]
		if !ok {
			continue
		}
		if out.Operations == nil {
			out.Operations = map[string]HTTPOperation{}
		}
		out.Operations[name] = readOperation(op, name)
	}
}

// filled are the placeholders that a request of the operation must hold: one
// without {key} would make all keys one, and their histories nonsense.
func filled(operation string) []string {
	return map[string][]string{
		"read":  {"key"},
		"write": {"key", "value"},
		"cas":   {"key", "old", "new"},
	}[operation]
}

func readOperation(v value, name string) HTTPOperation {
	fields := []string{"method", "path", "body", "header", "ok", "fail"}
	if name == "read" {
		fields = append(fields, "absent", "value")
	}
	s := v.section(fields...)
	var op HTTPOperation
	if s.need("method", "as in method: GET") {
		s.word("method", "method", &op.Method, []string{"GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"})
	}
	if s.need("path", `as in path: "/{key}"`) {
		read(s, "path", &op.Path, func(v value) (string, bool) { return v.urlPath(filled(name)...) })
	}
	read(s, "body", &op.Body, func(v value) (string, bool) { return v.template(filled(name)...) })
	if v, ok := s.fields["header"]; ok {
		op.Header = readHeader(v)
	}
	readOutcomes(s, &op)
	if name == "read" {
		op.Value = "body"
		read(s, "value", &op.Value, value.answer)
	}
	checkFilled(s, name, op)
	return op
}

// checkFilled reports placeholders that the request lacks.
func checkFilled(s section, name string, op HTTPOperation) {
	if op.Path == "" || s.has("body") && op.Body == "" {
		return
	}
	has := placeholders(op.Path + op.Body)
	for _, need := range filled(name) {
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
