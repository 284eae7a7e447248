package docker

import (
	"slices"
	"strconv"
	"strings"
)

// expander replaces the placeholders of a node's command and environment.
type expander struct {
	nodes []string
	ips   []string // of the nodes, in the same order
	form  string   // of one entry of {peers}; empty means "{ip}"
	data  string   // where each node keeps its files

	members []string // who is in {peers} and {others}; nil for all
	joins   bool     // whether the node is added to a cluster that runs
}

// Fill replaces, in a text, {name}, {ip} and {index} by those of the i-th of
// the nodes, which have these addresses, {data} by the directory of its files,
// and {peers} and {others} by entries of the form: what a node's command may
// hold, for nodes that are no containers.
func Fill(text string, i int, nodes, ips []string, form, data string) string {
	return expander{nodes: nodes, ips: ips, form: form, data: data}.node(i).Replace(text)
}

// node returns what replaces {name}, {ip}, {index}, {data}, {peers}, {others}
// and {state} for the i-th node. Any other text in braces stays as it is.
func (x expander) node(i int) *strings.Replacer {
	var peers, others []string
	for j := range x.nodes {
		if x.members != nil && !slices.Contains(x.members, x.nodes[j]) {
			continue
		}
		entry := x.entry(j)
		peers = append(peers, entry)
		if j != i {
			others = append(others, entry)
		}
	}
	state := "new"
	if x.joins {
		state = "existing"
	}
	return strings.NewReplacer(append(x.own(i), "{state}", state,
		"{peers}", strings.Join(peers, ","), "{others}", strings.Join(others, ","))...)
}

// entry is the i-th node's entry in a list of peers.
func (x expander) entry(i int) string {
	if x.form == "" {
		return x.ips[i]
	}
	return strings.NewReplacer(x.own(i)...).Replace(x.form)
}

func (x expander) own(i int) []string {
	return []string{"{name}", x.nodes[i], "{ip}", x.ips[i], "{index}", strconv.Itoa(i + 1), "{data}", x.data}
}

// command and environment of the i-th node.
func (x expander) command(i int, words []string) []string {
	r, out := x.node(i), make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, r.Replace(w))
	}
	return out
}

func (x expander) environment(i int, env map[string]string) []string {
	r, out := x.node(i), make([]string, 0, len(env))
	for k, v := range env {
		out = append(out, k+"="+r.Replace(v))
	}
	slices.Sort(out)
	return out
}
