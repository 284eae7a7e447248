package scenarios

// A Membership says how members come and go, for a system whose client does
// not know. In the texts of its steps {name}, {ip} and {index} are of the node
// that is meant, {via} and {via_ip} of another one that is a member: they are
// tried in order until one answers.
type Membership struct {
	// Member shows whether a node is a member, by what Says; that the other one,
	// which answers, is a member goes without saying.
	Member Step `json:"member"`
	// Remove makes it a member no more, before it is stopped.
	Remove Step `json:"remove"`
	// Add makes it a member before it starts, with empty data, and Join
	// afterwards; nil for a system that needs neither.
	Add  *Step `json:"add,omitempty"`
	Join *Step `json:"join,omitempty"`
}

func membershipSteps() []string { return []string{"member", "remove", "add", "join"} }

func readMembers(v value) *Membership {
	s := v.section(membershipSteps()...)
	m := &Membership{}
	if s.need("member", `say how it is seen that a node is a member, as in member: {url: "http://{via_ip}:8080/members", says: "{name}"}`) {
		m.Member = readMemberStep(s.fields["member"])
		if at := s.at("member"); m.Member.Says == "" && at.isMapping() {
			at.report("nothing tells a member from others", `add what must be in the answer, as in says: "{name}"`)
		}
	}
	if s.need("remove", `say how a node is removed, as in remove: {run: [/ctl, remove, "{name}"], on: other}`) {
		m.Remove = readMemberStep(s.fields["remove"])
	}
	for key, into := range map[string]**Step{"add": &m.Add, "join": &m.Join} {
		if at, ok := s.fields[key]; ok {
			step := readMemberStep(at)
			*into = &step
		}
	}
	return m
}

// readMemberStep reads a step that may be done by another node than the one
// that it is about.
func readMemberStep(v value) Step {
	return readStepOf(v, []string{"node", "other", "orchestrator"}, "name", "ip", "index", "via", "via_ip")
}
