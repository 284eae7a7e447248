package invariant

import (
	"strconv"

	"go.starlark.net/starlark"

	"github.com/shakedown-dev/shakedown/checkers/say"
)

// A grouping splits operations into groups that are judged apart.
type grouping struct {
	// by is "key", "node", "process", or empty.
	by string
	fn starlark.Callable // used if by is empty; nil for one group of all
}

// of returns the name of the group of o.
func (g grouping) of(m *machine, o *op) (string, error) {
	switch g.by {
	case "key":
		return o.did.Invoke.Key, nil
	case "node":
		return o.did.Invoke.Node, nil
	case "process":
		return strconv.Itoa(o.did.Invoke.Process), nil
	}
	if g.fn == nil {
		return "", nil
	}
	v, err := m.call(g.fn, o)
	if err != nil {
		return "", err
	}
	name, err := encode(v, 1<<12)
	if err != nil {
		return "", m.wrong(g.fn, "this cannot name a group: "+err.Error())
	}
	return name, nil
}

// title says which group it is, for a sentence: ` for key "a"`.
func (g grouping) title(name string) string {
	if g.by == "" && g.fn == nil {
		return ""
	}
	by := g.by
	if by == "" {
		by = "group"
	}
	return " for " + by + " " + say.Cut(name, 60)
}
