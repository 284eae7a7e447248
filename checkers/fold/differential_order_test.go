package fold

import (
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// A claim says that a version of a key is not older than another.
type claim struct{ key, older, newer string }

// versionOf is what an operation wrote or read; "" is null.
func versionOf(o history.Operation) string {
	if o.Invoke.F == fWrite {
		return string(o.Invoke.Value)
	}
	return string(o.Complete.Value)
}

// effective are the operations that count, by session.
func effective(ops []history.Operation) map[int][]history.Operation {
	sessions := make(map[int][]history.Operation)
	for _, o := range ops {
		if o.Invoke.F == fWrite || o.Type() == history.OK {
			sessions[o.Invoke.Process] = append(sessions[o.Invoke.Process], o)
		}
	}
	return sessions
}

// claims are what the guarantees say of a history, by their definitions.
func claims(ops []history.Operation, asked [4]bool) []claim {
	var all []claim
	sessions := effective(ops)
	for _, mine := range sessions {
		for j, later := range mine {
			for _, earlier := range mine[:j] {
				if earlier.Invoke.Key == later.Invoke.Key && asked[guaranteeOf(earlier, later)] {
					all = append(all, claim{later.Invoke.Key, versionOf(earlier), versionOf(later)})
				}
			}
			if later.Invoke.F == fRead {
				all = append(all, heardOf(sessions, mine[:j], later, asked)...)
			}
		}
	}
	return all
}

func guaranteeOf(earlier, later history.Operation) int {
	switch {
	case earlier.Invoke.F == fWrite && later.Invoke.F == fRead:
		return 0
	case earlier.Invoke.F == fRead && later.Invoke.F == fRead:
		return 1
	case earlier.Invoke.F == fWrite:
		return 2
	}
	return 3
}

// heardOf are the claims on a read by what its session had read of others.
func heardOf(sessions map[int][]history.Operation, before []history.Operation, read history.Operation, asked [4]bool) []claim {
	var all []claim
	for _, r := range before {
		if r.Invoke.F != fRead || versionOf(r) == "" {
			continue
		}
		for process, theirs := range sessions {
			at := slices.IndexFunc(theirs, func(o history.Operation) bool {
				return o.Invoke.F == fWrite && o.Invoke.Key == r.Invoke.Key && versionOf(o) == versionOf(r)
			})
			if at < 0 || process == read.Invoke.Process {
				continue
			}
			for _, o := range theirs[:at] {
				label := 2
				if o.Invoke.F == fRead {
					label = 3
				}
				if o.Invoke.Key == read.Invoke.Key && asked[label] {
					all = append(all, claim{read.Invoke.Key, versionOf(o), versionOf(read)})
				}
			}
		}
	}
	return all
}

// defineSession tries all orders of the versions of each key.
func defineSession(asked [4]bool) func(ops []history.Operation) map[string]bool {
	return func(ops []history.Operation) map[string]bool {
		versions := make(map[string][]string)
		for _, o := range ops {
			if o.Invoke.F == fWrite {
				versions[o.Invoke.Key] = append(versions[o.Invoke.Key], versionOf(o))
			}
		}
		all := claims(ops, asked)
		for _, key := range []string{"k0", "k1"} {
			if !anyOrder(versions[key], nil, func(order []string) bool { return keeps(order, key, all) }) {
				return map[string]bool{"session": true}
			}
		}
		return nil
	}
}

// anyOrder reports whether good holds for some order of the versions.
func anyOrder(left, order []string, good func([]string) bool) bool {
	if len(left) == 0 {
		return good(order)
	}
	for i := range left {
		rest := slices.Delete(slices.Clone(left), i, i+1)
		if anyOrder(rest, append(slices.Clone(order), left[i]), good) {
			return true
		}
	}
	return false
}

func keeps(order []string, key string, all []claim) bool {
	place := func(version string) int { return slices.Index(order, version) } // null is -1
	for _, c := range all {
		if c.key == key && place(c.newer) < place(c.older) {
			return false
		}
	}
	return true
}

// defineCausal follows the definition of weak causal consistency: for every
// read there must be an order of the writes in its causal past, which agrees
// with causality, of which the last of its key is the one that it read.
func defineCausal(ops []history.Operation) map[string]bool {
	var all []history.Operation
	for _, mine := range effective(ops) {
		all = append(all, mine...)
	}
	before := causality1(all)
	for r, read := range all {
		if read.Invoke.F != fRead {
			continue
		}
		var past []int
		for w, o := range all {
			if o.Invoke.F == fWrite && o.Invoke.Key == read.Invoke.Key && before[w][r] {
				past = append(past, w)
			}
		}
		if !explains(all, before, past, read) {
			return map[string]bool{"overwritten": true}
		}
	}
	return nil
}

// causality1 is the transitive closure of session order and reads-from.
func causality1(all []history.Operation) [][]bool {
	before := make([][]bool, len(all))
	for i, a := range all {
		before[i] = make([]bool, len(all))
		for j, b := range all {
			session := a.Invoke.Process == b.Invoke.Process && call(a) < call(b)
			from := a.Invoke.F == fWrite && b.Invoke.F == fRead && a.Invoke.Key == b.Invoke.Key && versionOf(a) == versionOf(b)
			before[i][j] = session || from
		}
	}
	for k := range all {
		for i := range all {
			for j := range all {
				before[i][j] = before[i][j] || before[i][k] && before[k][j]
			}
		}
	}
	return before
}

// explains tries all orders of the past writes of a read's key.
func explains(all []history.Operation, before [][]bool, past []int, read history.Operation) bool {
	if len(past) == 0 {
		return versionOf(read) == ""
	}
	for _, last := range past {
		free := !slices.ContainsFunc(past, func(w int) bool { return before[last][w] })
		if free && versionOf(all[last]) == versionOf(read) {
			return true
		}
	}
	return false
}
