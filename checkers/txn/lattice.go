package txn

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// latticeJSON holds the models, what they imply and what they rule out.
//
//go:embed lattice.json
var latticeJSON []byte

// A lattice knows which consistency model implies which, and which anomaly
// rules out which.
type lattice struct {
	Aliases map[string]string `json:"aliases"`
	Models  map[string]struct {
		Implies    []string `json:"implies"`
		Proscribes []string `json:"proscribes"`
	} `json:"models"`
	// Anomalies names for an anomaly those that are there whenever it is.
	Anomalies map[string][]string `json:"anomalies"`

	// lower holds each model with all that it implies, bans what these
	// proscribe themselves.
	lower, bans map[string]set
}

// A set is a set of names.
type set map[string]bool

func newLattice() (*lattice, error) {
	l := &lattice{}
	if err := json.Unmarshal(latticeJSON, l); err != nil {
		return nil, fmt.Errorf("lattice.json: %w", err)
	}
	l.lower, l.bans = make(map[string]set), make(map[string]set)
	for m := range l.Models {
		l.lower[m], l.bans[m] = l.closure(m), set{}
		for b := range l.lower[m] {
			for _, anomaly := range l.Models[b].Proscribes {
				l.bans[m][anomaly] = true
			}
		}
	}
	return l, nil
}

// Levels returns the names of all isolation levels, in alphabetical order.
func Levels() []string {
	l, err := newLattice()
	if err != nil {
		return nil
	}
	return l.names()
}

func (l *lattice) names() []string {
	names := slices.Collect(maps.Keys(l.Models))
	return slices.Sorted(slices.Values(slices.AppendSeq(names, maps.Keys(l.Aliases))))
}

// CheckLevel returns an error that names the nearest level if there is none of
// this name. The empty name is fine: it stands for strict-serializable.
func CheckLevel(name string) error {
	l, err := newLattice()
	if err != nil {
		return err
	}
	_, err = l.model(name)
	return err
}

// model returns the model that the name stands for.
func (l *lattice) model(name string) (string, error) {
	if name == "" {
		return strictSerializable, nil
	}
	if real, ok := l.Aliases[name]; ok {
		name = real
	}
	if _, ok := l.Models[name]; ok {
		return name, nil
	}
	near := ""
	for _, known := range l.names() {
		if strings.Contains(known, name) || strings.Contains(name, known) {
			near = fmt.Sprintf(" (is it %s?)", known)
		}
	}
	return "", fmt.Errorf("there is no isolation level %q%s; there are %s", name, near, strings.Join(l.names(), ", "))
}

// below returns the model and everything that it implies. It is not to be changed.
func (l *lattice) below(model string) set {
	return l.lower[model]
}

func (l *lattice) closure(model string) set {
	found := set{}
	var visit func(string)
	visit = func(m string) {
		if !found[m] {
			found[m] = true
			for _, next := range l.Models[m].Implies {
				visit(next)
			}
		}
	}
	visit(model)
	return found
}

// implied returns the anomaly and all that are there whenever it is.
func (l *lattice) implied(anomaly string) set {
	found := set{}
	var visit func(string)
	visit = func(a string) {
		if !found[a] {
			found[a] = true
			for _, next := range l.Anomalies[a] {
				visit(next)
			}
		}
	}
	visit(anomaly)
	return found
}

// ruledOut returns the models that cannot hold if the anomaly is there. The
// anomaly was found by inference that is right if any of the models assuming
// holds; so only models that imply one are ruled out. Empty: it is right
// whatever holds.
func (l *lattice) ruledOut(anomaly string, assuming []string) set {
	present := l.implied(anomaly)
	out := set{}
	for m := range l.Models {
		below := l.below(m)
		if len(assuming) > 0 && !slices.ContainsFunc(assuming, func(a string) bool { return below[a] }) {
			continue
		}
		for a := range present {
			if l.bans[m][a] {
				out[m] = true
			}
		}
	}
	return out
}

// weakest returns those of the models that imply no other of them, sorted.
func (l *lattice) weakest(models set) []string {
	var least []string
	for m := range models {
		below := l.below(m)
		if !anyOther(below, m, models) {
			least = append(least, m)
		}
	}
	slices.Sort(least)
	return least
}

// strongest returns those of the models that no other of them implies, sorted.
func (l *lattice) strongest(models set) []string {
	implied := set{}
	for m := range models {
		for b := range l.below(m) {
			if b != m {
				implied[b] = true
			}
		}
	}
	var most []string
	for m := range models {
		if !implied[m] {
			most = append(most, m)
		}
	}
	slices.Sort(most)
	return most
}

func anyOther(below set, m string, models set) bool {
	for b := range below {
		if b != m && models[b] {
			return true
		}
	}
	return false
}

func (s set) add(more set) {
	for name := range more {
		s[name] = true
	}
}
