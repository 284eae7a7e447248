package nemesis

import (
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// Describe says in a few words whom the cuts part from whom: the sides of a
// partition, the node that is not heard, or what each node still reaches.
func Describe(cuts [][2]string, nodes []string) string {
	if len(cuts) == 0 {
		return "nobody is parted"
	}
	if slices.ContainsFunc(cuts, ofClients) {
		nodes = append(slices.Clone(nodes), agent.Clients)
	}
	if text, ok := oneWayWithClients(cuts, nodes); ok {
		return text
	}
	from, to := cuts[0][0], cuts[0][1]
	oneSender := !slices.ContainsFunc(cuts, func(c [2]string) bool { return c[0] != from })
	oneReceiver := !slices.ContainsFunc(cuts, func(c [2]string) bool { return c[1] != to })
	switch {
	case oneSender && len(cuts) == len(nodes)-1:
		return "what " + from + " sends is lost"
	case oneReceiver && len(cuts) == len(nodes)-1:
		return "what is sent to " + to + " is lost"
	}
	if text, ok := sides(cuts, nodes); ok {
		return text
	}
	return views(cuts, nodes)
}

// oneWayWithClients describes cuts that only clients notice, or only nodes that
// listen to them.
func oneWayWithClients(cuts [][2]string, nodes []string) (text string, ok bool) {
	var senders, receivers []string
	for _, c := range cuts {
		senders, receivers = append(senders, c[0]), append(receivers, c[1])
	}
	senders, receivers = inOrder(senders, nodes), inOrder(receivers, nodes)
	switch {
	case slices.Equal(senders, []string{agent.Clients}):
		return "what clients send to " + strings.Join(receivers, " ") + " is lost", true
	case slices.Equal(receivers, []string{agent.Clients}):
		verb := " sends"
		if len(senders) > 1 {
			verb = " send"
		}
		return "what " + strings.Join(senders, " ") + verb + " to clients is lost", true
	}
	return "", false
}

// sides describes cuts that part the nodes into groups, all of which may reach
// some nodes in common: "n1 n2 | n4 n5, both reach n3". ok is false if the
// cuts are not like that.
func sides(cuts [][2]string, nodes []string) (text string, ok bool) {
	var shared []string
	for _, n := range nodes {
		if !slices.ContainsFunc(cuts, func(c [2]string) bool { return c[0] == n || c[1] == n }) {
			shared = append(shared, n)
		}
	}
	var groups []string
	for rest := without(nodes, shared); len(rest) > 0; {
		deaf, mute := lost(cuts, rest[0], nodes)
		group := without(without(nodes, deaf), shared)
		for _, n := range group {
			theirs, _ := lost(cuts, n, nodes)
			if !slices.Equal(theirs, deaf) || !slices.Equal(deaf, mute) {
				return "", false
			}
		}
		groups = append(groups, strings.Join(group, " "))
		rest = without(rest, group)
	}
	text = strings.Join(groups, " | ")
	if len(shared) > 0 {
		text += ", all reach " + strings.Join(shared, " ")
	}
	return text, true
}

// views lists what each node that loses something still hears.
func views(cuts [][2]string, nodes []string) string {
	var parts []string
	for _, n := range nodes {
		deaf, _ := lost(cuts, n, nodes)
		if len(deaf) > 0 {
			parts = append(parts, n+" hears only "+strings.Join(without(without(nodes, deaf), []string{n}), " "))
		}
	}
	return strings.Join(parts, ", ")
}

// lost lists whom n does not hear, and who does not hear n.
func lost(cuts [][2]string, n string, nodes []string) (deaf, mute []string) {
	for _, c := range cuts {
		if c[1] == n {
			deaf = append(deaf, c[0])
		}
		if c[0] == n {
			mute = append(mute, c[1])
		}
	}
	return inOrder(deaf, nodes), inOrder(mute, nodes)
}
