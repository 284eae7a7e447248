package object

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/linear"
	"github.com/shakedown-dev/shakedown/checkers/say"
)

// null is the text of a value that is absent.
const null = "null"

// stores are the models of what keeps values under names.
func stores() []model {
	return []model{
		{
			Model: Model{"kv", `get (or read), put (or write), append to a string, delete, cas [old, new]; what is absent is null or ""`},
			pick:  pickKV, first: null, step: stepKV, tell: tellValue, read: readKV,
		},
		{
			Model: Model{"multi-register", `txn of ["r", k, v] and ["w", k, v], all keys together; each is null or 0 at first`},
			pick:  never, step: stepRegisters, tell: tellRegisters, traces: traceTxn, read: readTxn, together: true,
		},
	}
}

// readCall reads an operation as a call with its argument and answer.
func readCall(t *thing, a *act) error {
	a.arg, a.out = checkers.Canonical(a.given()), checkers.Canonical(a.answer())
	return nil
}

// readKV reads an operation as one of a register, too; an append it does not have.
func readKV(t *thing, a *act) error {
	if err := readCall(t, a); err != nil {
		return err
	}
	a.arg, a.out = present(a.arg), present(a.out)
	switch a.f {
	case "get", "read":
		return a.observes(linear.Read, t.name(a.out))
	case "put", "write":
		return a.does(linear.Write, t.name(a.arg))
	case "delete":
		return a.does(linear.Write, linear.Initial)
	case "append":
		var s string
		if json.Unmarshal([]byte(a.arg), &s) != nil {
			return fmt.Errorf("what is appended must be a string, not %.40s", a.arg)
		}
		return a.does(linear.Add, 0)
	case "cas":
		old, fresh, ok := pair(a.given())
		if !ok {
			return fmt.Errorf("the value of a cas must be [old, new], not %.40s", a.arg)
		}
		a.arg, a.out = present(checkers.Canonical(old)), present(checkers.Canonical(fresh))
		a.lin.New = t.name(a.out)
		return a.does(linear.CAS, t.name(a.arg))
	}
	return errStrange
}

// pickKV: without appends it is a register.
func pickKV(t *thing) (linear.Object, bool) {
	return linear.Register, !slices.ContainsFunc(t.acts, func(a act) bool { return a.lin.Kind == linear.Add })
}

// present: what holds nothing is as good as absent.
func present(text string) string {
	if text == `""` {
		return null
	}
	return text
}

func stepKV(state string, a *act) []string {
	switch a.f {
	case "put", "write":
		return []string{a.arg}
	case "delete":
		return []string{null}
	case "append":
		if state == null {
			return []string{a.arg}
		}
		if a.arg == null {
			return []string{state}
		}
		return []string{strings.TrimSuffix(state, `"`) + strings.TrimPrefix(a.arg, `"`)}
	case "cas":
		switch {
		case state == a.arg:
			return []string{a.out}
		case a.unknown:
			return []string{state}
		}
		return nil
	}
	if state != a.out {
		return nil
	}
	return []string{state}
}

// readTxn reads the micro-operations; those of an unknown transaction that read, say nothing.
func readTxn(t *thing, a *act) error {
	if a.f != "txn" {
		return errStrange
	}
	value := a.answer()
	if isNull(value) {
		value = a.asked()
	}
	var mops [][]json.RawMessage
	if err := json.Unmarshal(value, &mops); err != nil {
		return fmt.Errorf("%.40s is no list of micro-operations", value)
	}
	var calls []string
	for _, m := range mops {
		if len(m) != 3 {
			return fmt.Errorf("%.40s is no list of [what, key, value]", value)
		}
		key, val := checkers.Canonical(m[1]), checkers.Canonical(m[2])
		switch what := string(m[0]); what {
		case `"r"`, `"read"`:
			if !a.unknown && val != null {
				calls = append(calls, "r", key, val)
			}
		case `"w"`, `"write"`:
			calls = append(calls, "w", key, val)
		default:
			return fmt.Errorf("%.40s is no micro-operation of a register", what)
		}
	}
	a.arg = strings.Join(calls, separator)
	a.lin.Kind = linear.Write
	if slices.Contains(calls, "r") {
		a.lin.Kind = linear.Read
	}
	return nil
}

// traceTxn: values that are written once tell who wrote them. A write of 0, which
// may have been there before, counts as two.
func traceTxn(a *act) (leaves, sees []string) {
	calls := strings.Split(a.arg, separator)
	for i := 0; i+2 < len(calls); i += 3 {
		name := calls[i+1] + separator + calls[i+2]
		switch {
		case calls[i] == "r":
			sees = append(sees, name)
		case calls[i+2] == "0":
			leaves = append(leaves, name, name)
		default:
			leaves = append(leaves, name)
		}
	}
	return leaves, sees
}

func tellRegisters(_ *thing, state string) string {
	words := strings.Split(state, separator)
	var all []string
	for i := 0; i+1 < len(words); i += 2 {
		all = append(all, words[i]+" was "+words[i+1])
	}
	if len(all) == 0 {
		return "nothing had been written"
	}
	return say.Few(all, toldKeys)
}

func tellValue(_ *thing, state string) string { return "it was " + say.Cut(state, shownValue) }

// stepRegisters has the registers in order of their keys: key, value, key, value.
// One that nobody wrote yet is 0, or whatever a read of null says, which is nothing.
func stepRegisters(state string, a *act) []string {
	held := make(map[string]string)
	words := strings.Split(state, separator)
	for i := 0; i+1 < len(words); i += 2 {
		held[words[i]] = words[i+1]
	}
	calls := strings.Split(a.arg, separator)
	for i := 0; i+2 < len(calls); i += 3 {
		key, val := calls[i+1], calls[i+2]
		if calls[i] == "w" {
			held[key] = val
			continue
		}
		now, written := held[key]
		if written && now != val || !written && val != "0" {
			return nil
		}
	}
	keys := make([]string, 0, len(held))
	for k := range held {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var all []string
	for _, k := range keys {
		all = append(all, k, held[k])
	}
	return []string{strings.Join(all, separator)}
}
