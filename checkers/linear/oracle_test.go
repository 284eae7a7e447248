package linear

import (
	"encoding/binary"
	"slices"

	"github.com/anishathalye/porcupine"
)

// porcupineSays asks porcupine, which knows nothing of ours but the operations.
// An unknown operation never returns; to come after all others is then the
// same as not to happen, and every step allows that.
func porcupineSays(object Object, ops []Op) Verdict {
	var history []porcupine.Operation
	for i := range ops {
		o := &ops[i]
		history = append(history, porcupine.Operation{ClientId: i, Input: o, Call: int64(o.Call), Return: int64(o.end())})
	}
	if porcupine.CheckOperations(modelOf(object), history) {
		return Linearizable
	}
	return Violated
}

// modelOf is written without a thought for speed: the state is the text of a
// list of numbers, and the words of the documentation are its steps.
func modelOf(object Object) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return write(nil) },
		Step: func(state, input, _ any) (bool, any) {
			ok, next := oracleStep(object, read(state.(string)), input.(*Op))
			return ok, write(next)
		},
	}
}

func write(list []int) string {
	var text []byte
	for _, v := range list {
		text = binary.AppendVarint(text, int64(v))
	}
	return string(text)
}

func read(text string) (list []int) {
	for b := []byte(text); len(b) > 0; {
		v, n := binary.Varint(b)
		list, b = append(list, int(v)), b[n:]
	}
	return list
}

func oracleStep(object Object, s []int, o *Op) (bool, []int) {
	switch object {
	case Register, Counter:
		return oracleNumber(s, o)
	case Set:
		return oracleSet(s, o)
	case GrowSet, Log:
		return oracleWhole(object, s, o)
	case Mutex, Lock:
		return oracleLock(object, s, o)
	}
	return oracleContainer(object, s, o)
}

func oracleNumber(s []int, o *Op) (bool, []int) {
	v := 0
	if len(s) > 0 {
		v = s[0]
	}
	switch o.Kind {
	case Read:
		return o.Unknown || v == o.Value, s
	case Write:
		return true, []int{o.Value}
	case CAS:
		if v == o.Value {
			return true, []int{o.New}
		}
		return o.Unknown, s
	case Refuse:
		return v != o.Value, s
	case FetchAdd:
		return o.Unknown || v+o.Value == o.New, []int{v + o.Value}
	}
	return true, []int{v + o.Value}
}

func oracleSet(s []int, o *Op) (bool, []int) {
	has := slices.Contains(s, o.Value)
	with := slices.Clone(s)
	if !has {
		with = append(with, o.Value)
		slices.Sort(with)
	}
	out := slices.DeleteFunc(slices.Clone(s), func(v int) bool { return v == o.Value })
	switch o.Kind {
	case Add:
		return true, with
	case Insert:
		return o.Unknown || !has, with
	case Discard:
		return true, out
	case Remove:
		return o.Unknown || has, out
	case Has:
		return o.Unknown || has, s
	}
	return o.Unknown || !has, s
}

func oracleWhole(object Object, s []int, o *Op) (bool, []int) {
	whole := slices.Clone(o.Whole)
	with := append(slices.Clone(s), o.Value)
	if object == GrowSet {
		slices.Sort(whole)
		slices.Sort(with)
		with = slices.Compact(with)
	}
	if o.Kind == Add {
		return true, with
	}
	return o.Unknown || slices.Equal(s, whole), s
}

func oracleLock(object Object, s []int, o *Op) (bool, []int) {
	if o.Kind == Acquire {
		if len(s) == 0 {
			return true, []int{o.Value}
		}
		return o.Unknown, s
	}
	if len(s) == 1 && (object == Mutex || s[0] == o.Value) {
		return true, nil
	}
	return o.Unknown, s
}

func oracleContainer(object Object, s []int, o *Op) (bool, []int) {
	at := len(s) - 1
	if object == Queue {
		at = 0
	}
	switch o.Kind {
	case Put:
		s = append(slices.Clone(s), o.Value)
		if object == PriorityQueue {
			slices.Sort(s)
		}
		return true, s
	case Empty:
		return o.Unknown || len(s) == 0, s
	case Peek:
		return o.Unknown || len(s) > 0 && s[at] == o.Value, s
	}
	if len(s) == 0 || !o.Unknown && s[at] != o.Value {
		return o.Unknown, s
	}
	return true, slices.Delete(slices.Clone(s), at, at+1)
}
