package cli

import (
	"bytes"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers/catalog"
	"github.com/shakedown-dev/shakedown/history"
)

// A vocabulary is what the operations of a kind of object are called in the field,
// and the check that such a history is given when nobody names one: the
// weakest that makes sense, so that it raises no false alarm.
type vocabulary struct {
	words []string
	// telling are those of the words of which one must be there.
	telling []string
	check   catalog.Spec
}

func vocabularies() []vocabulary {
	linearizable := func(model string) catalog.Spec { return catalog.Spec{Check: "linearizable", Model: model} }
	return []vocabulary{
		{[]string{"acquire", "release"}, []string{"acquire"}, linearizable("mutex")},
		{[]string{"enqueue", "dequeue", "drain"}, []string{"enqueue", "dequeue"}, catalog.Spec{Check: "total-queue"}},
		{[]string{"push", "pop", "peek"}, []string{"push", "pop"}, linearizable("stack")},
		{[]string{"insert", "poll", "peek"}, []string{"poll"}, linearizable("priority-queue")},
		{[]string{"get", "put", "append"}, []string{"get", "put", "append"}, linearizable("kv")},
		{[]string{"push_front", "push_back", "pop_front", "pop_back", "peek_front", "peek_back"},
			[]string{"push_front", "push_back", "pop_front", "pop_back"}, linearizable("deque")},
		{[]string{"transfer", "read"}, []string{"transfer"}, catalog.Spec{Check: "bank"}},
		{[]string{"generate"}, []string{"generate"}, catalog.Spec{Check: "unique-ids"}},
	}
}

// customary is the check for what the operations of a history are called; that of
// a register that can be compared and set, if the words tell nothing.
func customary(h *history.History) catalog.Spec {
	used := map[string]bool{}
	var list bool // a read returned a list
	for _, o := range h.Operations() {
		used[o.Invoke.F] = true
		list = list || o.Invoke.F == "read" && bytes.HasPrefix(o.Value(), []byte("["))
	}
	only := func(words []string) bool {
		for f := range used {
			if !slices.Contains(words, f) {
				return false
			}
		}
		return true
	}
	for _, v := range vocabularies() {
		if only(v.words) && slices.ContainsFunc(v.telling, func(f string) bool { return used[f] }) {
			return v.check
		}
	}
	switch {
	case used["add"] && only([]string{"add", "read"}) && list:
		return catalog.Spec{Check: "set-full"}
	case used["add"] && only([]string{"add", "read"}):
		return catalog.Spec{Check: "counter"}
	}
	return catalog.Spec{Check: "linearizable", Model: bareModel}
}
