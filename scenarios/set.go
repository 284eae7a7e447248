package scenarios

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// An override is one --set on its way into a document.
type override struct {
	d    *document
	text *source
	// done is how much of the path has been followed, in bytes.
	done int
}

// override puts the value of "path=value" into the tree. The tree has no
// aliases, so nothing else changes.
func (d *document) override(root *yaml.Node, set string) {
	o := &override{d: d, text: newSource("--set", []byte(set))}
	path, text, ok := strings.Cut(set, "=")
	if !ok || path == "" || strings.ContainsAny(set, "\n\r") || !utf8.ValidString(set) {
		d.add(o.text, 1, 1, "", "an override is a path, an equals sign and a value", "write as in --set system.nodes=3")
		return
	}
	val := o.parse(path, text)
	if val == nil {
		return
	}
	steps := strings.Split(path, ".")
	for _, step := range steps[:len(steps)-1] {
		if root = o.follow(root, step); root == nil {
			return
		}
	}
	o.put(root, steps[len(steps)-1], val)
}

// parse reads the value as YAML, in its place, so that columns are right.
func (o *override) parse(path, text string) *yaml.Node {
	column := utf8.RuneCountInString(path) + 2
	if strings.TrimSpace(text) == "" {
		o.d.add(o.text, 1, column, "", "nothing stands after the equals sign", "write as in --set system.nodes=3")
		return nil
	}
	first, second, err := decode([]byte(strings.Repeat(" ", column-1) + text))
	if err != nil || second != nil {
		o.d.add(o.text, 1, column, "", "the value is not YAML", "quote it if it contains a colon or begins with a special character")
		return nil
	}
	out := o.d.expand(first)
	if out != nil {
		o.own(out)
	}
	return out
}

// own marks a tree as coming from this override.
func (o *override) own(n *yaml.Node) {
	o.d.sets[n] = o.text
	for _, c := range n.Content {
		o.own(c)
	}
}

// column is where the step that is being followed stands.
func (o *override) column() int { return o.done + 1 }

// follow enters one step of the path, making a mapping where there is nothing.
func (o *override) follow(n *yaml.Node, step string) *yaml.Node {
	next := o.find(n, step)
	if next == nil && n.Kind == yaml.MappingNode {
		next = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: o.column()}
		o.d.sets[next] = o.text
		o.append(n, step, next)
	} else if next == nil {
		o.lost(n, step)
	}
	o.done += len(step) + 1
	return next
}

// put sets the last step of the path.
func (o *override) put(n *yaml.Node, step string, val *yaml.Node) {
	if old := o.find(n, step); old != nil {
		*old = *val
		o.own(old)
		return
	}
	if n.Kind != yaml.MappingNode {
		o.lost(n, step)
		return
	}
	o.append(n, step, val)
}

func (o *override) append(n *yaml.Node, step string, val *yaml.Node) {
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: step, Line: 1, Column: o.column()}
	o.d.sets[key] = o.text
	n.Content = append(n.Content, key, val)
}

func (o *override) lost(n *yaml.Node, step string) {
	hint := "a single value has no parts"
	if n.Kind == yaml.SequenceNode {
		hint = "in a list, write the index from 0 to " + strconv.Itoa(len(n.Content)-1) + ", or the name of an element"
	}
	o.d.add(o.text, 1, o.column(), "", "there is no "+strconv.Quote(step)+" here", hint)
}

// find is the part of n that the step names, or nil.
func (o *override) find(n *yaml.Node, step string) *yaml.Node {
	switch n.Kind {
	case yaml.MappingNode:
		return get(n, step)
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
		for _, c := range n.Content {
			if name := get(c, "name"); name != nil && name.Value == step {
				return c
			}
		}
	}
	return nil
}

// get is the value of a key of a mapping, or nil.
func get(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
