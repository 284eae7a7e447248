package scenarios

import (
	"slices"
	"strings"
)

// bindFaults finds, for what in the phase refers to another fault, the line
// that is meant, and names it in full: "same as storm/kill". A name alone is
// of the same phase or, failing that, of the last one before that has it.
func bindFaults(items []value, p *Phase, before []Phase) {
	all := append(slices.Clone(before), *p)
	written := p.Faults[len(p.Faults)-len(items):] // after those of a storm
	for i := range written {
		f := &written[i]
		at := items[i].field("target")
		if name, ok := strings.CutPrefix(f.Target, sameAs); ok {
			f.Target = sameAs + bindFault(at, name, f, all)
		}
		for j := range f.Weights {
			if name, ok := strings.CutPrefix(f.Weights[j].Target, sameAs); ok {
				f.Weights[j].Target = sameAs + bindFault(at, name, f, all)
			}
		}
		if t := f.Trigger; t != nil && t.Fault != "" {
			t.Fault = bindFault(items[i].field("after").field("fault"), t.Fault, f, []Phase{*p})
		}
	}
}

// bindFault finds the line that name means for f, which is of the last phase.
func bindFault(at value, name string, f *Fault, phases []Phase) string {
	here := phases[len(phases)-1].Name
	var known []string
	for _, p := range slices.Backward(phases) {
		for _, o := range p.Faults {
			known = append(known, o.Name)
			switch full := p.Name + "/" + o.Name; {
			case o.Name != name && full != name:
			case p.Name == here && o.Name == f.Name:
				at.report("a fault cannot refer to itself", "name another one")
				return name
			default:
				return full
			}
		}
	}
	hint := "there is no other fault up to here"
	if len(known) > 1 {
		hint = "it can be " + orList(known)
	}
	if near := nearest(name, known); near != "" {
		hint = `did you mean "` + near + `"?`
	}
	at.reportf(hint, "there is no fault %q here", name)
	return name
}

// field is the field of a mapping, or the mapping itself without it.
func (v value) field(key string) value {
	if n := get(v.node, key); n != nil {
		return value{v.d, n, v.child(key)}
	}
	return v
}
