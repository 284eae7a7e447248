package scenarios

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// An expansion copies a tree, putting in place of each alias what it stands
// for, and of each merge key (<<) the pairs that it brings. Nodes are counted,
// since a few aliases of aliases can stand for billions.
type expansion struct {
	d     *document
	nodes int
	stuck bool
}

// expand returns root without aliases and merge keys, or nil if that would be
// too large; the reason is then among the findings.
func (d *document) expand(root *yaml.Node) *yaml.Node {
	e := &expansion{d: d}
	out := e.copy(root, 0)
	if e.stuck {
		return nil
	}
	return out
}

func (e *expansion) copy(n *yaml.Node, depth int) *yaml.Node {
	e.nodes++
	if e.stuck {
		return n
	}
	if e.nodes > maxNodes {
		e.giveUp(n, fmt.Sprintf("the file has more than %d values, counting what its aliases stand for", maxNodes), "no scenario needs as many")
		return n
	}
	if depth > maxDepth {
		e.giveUp(n, fmt.Sprintf("values are nested more than %d deep", maxDepth), "is there an alias inside its own anchor?")
		return n
	}
	if n.Kind == yaml.AliasNode {
		out := e.copy(n.Alias, depth+1)
		out.Line, out.Column = n.Line, n.Column // the use is at fault, more often than the anchor
		return out
	}
	out := *n
	out.Content = nil
	if n.Kind == yaml.MappingNode {
		e.pairs(&out, n, depth)
		return &out
	}
	for _, c := range n.Content {
		out.Content = append(out.Content, e.copy(c, depth+1))
	}
	return &out
}

func (e *expansion) giveUp(n *yaml.Node, message, hint string) {
	e.stuck = true
	e.d.at(n, "", message, hint)
}

// pairs copies the pairs of a mapping into out: first its own, then those of
// its merge keys that it does not have itself.
func (e *expansion) pairs(out, n *yaml.Node, depth int) {
	var merges []*yaml.Node
	has := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			merges = append(merges, e.copy(val, depth+1))
			continue
		}
		has[key.Value] = true
		out.Content = append(out.Content, e.copy(key, depth+1), e.copy(val, depth+1))
	}
	for _, m := range merges {
		e.merge(out, m, has)
	}
}

// merge adds the pairs of a mapping, or of several in a list, that are not yet
// there.
func (e *expansion) merge(out, from *yaml.Node, has map[string]bool) {
	switch from.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(from.Content); i += 2 {
			if key := from.Content[i]; !has[key.Value] {
				has[key.Value] = true
				out.Content = append(out.Content, key, from.Content[i+1])
			}
		}
	case yaml.SequenceNode:
		for _, m := range from.Content {
			if m.Kind == yaml.MappingNode {
				e.merge(out, m, has)
				continue
			}
			e.d.at(m, "", "<< can only merge mappings", "write <<: *name, where name is the anchor of a mapping")
		}
	default:
		e.d.at(from, "", "<< can only merge mappings", "write <<: *name, where name is the anchor of a mapping")
	}
}
