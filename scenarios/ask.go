package scenarios

import (
	"maps"
	"slices"
)

// An Ask is a question to a node by HTTP: GET of a path, and what of the
// answer means yes.
type Ask struct {
	// HTTP is the path.
	HTTP string `json:"http"`
	// Port is the name of the port; the default is client.
	Port string `json:"port"`
	// Field is where in the answer to look: "body", or "json:" and the dotted
	// path of a field. Empty: only the status counts, and any 2xx means yes.
	Field string `json:"field,omitempty"`
	// Is is what must stand there for yes. Empty: true; where it is asked who
	// leads, the leader's name or address may stand there, too.
	Is string `json:"is,omitempty"`
}

// askFields are the fields of an Ask.
func askFields() []string { return []string{"http", "port", "field", "is"} }

// readAsk reads a question, whose fields s has.
func readAsk(s section) *Ask {
	a := &Ask{Port: "client"}
	if s.need("http", "say which path to ask, as in http: /status") {
		read(s, "http", &a.HTTP, func(v value) (string, bool) { return v.urlPath() })
	}
	s.name("port", &a.Port)
	read(s, "field", &a.Field, value.answer)
	read(s, "is", &a.Is, func(v value) (string, bool) { return v.scalar("what must stand there") })
	if s.has("is") && !s.has("field") {
		s.at("is").report("nothing says where it must stand", `add a field, as in field: "json:role"`)
	}
	return a
}

// checkAskPort reports a port that the system has not.
func checkAskPort(at value, a *Ask, sys System) {
	if _, ok := sys.Ports[a.Port]; !ok && len(sys.Ports) > 0 {
		at.reportf("it can be "+orList(slices.Sorted(maps.Keys(sys.Ports))), "the system has no port %q", a.Port)
	}
}
