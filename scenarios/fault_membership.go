package scenarios

import "slices"

// memberClients are the clients that can ask their system to add and remove
// members.
func memberClients() []string { return []string{"etcd"} }

func membershipFault() faultKind {
	return faultKind{
		word: Word{"membership", "remove the node from the cluster by the system's own means, and add it again with empty data at the heal; " +
			"a quorum of all nodes always stays"},
		options: []string{"target"},
		example: "target: one",
		read:    readMembership,
	}
}

func readMembership(s section, f *Fault, sc *Scenario) {
	readLeaving(s, f, sc)
	switch {
	case !slices.Contains(memberClients(), sc.Client.Use) && sc.System.Membership == nil:
		s.at("fault").reportf("it can be "+orList(memberClients())+"; for other systems say under system.membership by which commands or calls members come and go",
			"the client %s cannot add and remove members", sc.Client.Use)
	case sc.System.Nodes < 3:
		s.at("fault").reportf("give the system three nodes at least", "of %s none can go", nodesOf(sc.System.Nodes))
	}
}

// readLeaving reads a target without which there is still a quorum, one by default.
func readLeaving(s section, f *Fault, sc *Scenario) {
	f.Target = "one"
	readTargetOver(s, f, sc, func(v value, target string) {
		if slices.Contains([]string{"majority", "all", "followers"}, target) {
			v.reportf("write one, minority or leader", "with %s removed fewer than a quorum of the nodes would be left", target)
		}
	})
}
