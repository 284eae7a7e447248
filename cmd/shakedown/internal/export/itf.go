package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"

	"github.com/shakedown-dev/shakedown/history"
)

// writeITF writes the history in Apalache's Informal Trace Format (its ADR 015):
// a state after each event of a client or the nemesis. The variables are
//
//	step_     the event: a variant named by operation and type, with its record
//	open      what each process has under way
//	in_force  the faults that may bite
//	phase     where in the run we are
//
// Numbers are big integers, as the format demands; a JSON value that has no
// counterpart (a fraction) is its text. Values may be of any shape, so step_ has
// no type in #meta.varTypes; give it one there before Apalache reads the trace.
func writeITF(w io.Writer, s Source) error {
	head, err := json.Marshal(map[string]any{
		"format": "ITF", "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
		"source": s.Scenario, "description": "recorded by shakedown, run " + s.ID,
		"varTypes": map[string]string{"open": "Int -> Str", "in_force": "Set(Str)", "phase": "Str"},
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, `{"#meta":%s,"vars":["step_","open","in_force","phase"],"states":[`, head); err != nil {
		return err
	}
	t := itfTrace{open: map[int]string{}}
	written := 0
	for _, op := range s.History.Ops {
		if s.Key != "" && op.Process != history.Nemesis && op.Key != s.Key {
			continue
		}
		t.take(op)
		text, err := json.Marshal(t.state(op, written))
		if err != nil {
			return err
		}
		comma := ",\n"
		if written == 0 {
			comma = "\n"
		}
		if _, err := io.WriteString(w, comma+string(text)); err != nil {
			return err
		}
		written++
	}
	_, err = io.WriteString(w, "\n]}\n")
	return err
}

// An itfTrace is the state after the events so far.
type itfTrace struct {
	open  map[int]string
	force []string
	phase string
}

// take takes in an event.
func (t *itfTrace) take(op history.Op) {
	if op.Process != history.Nemesis {
		if op.Type == history.Invoke {
			t.open[op.Process] = op.F
		} else {
			delete(t.open, op.Process)
		}
		return
	}
	if op.F == "phase" {
		var e history.PhaseEvent
		if json.Unmarshal(op.Value, &e) == nil {
			t.phase = e.Phase
		}
		return
	}
	var e history.FaultEvent
	if json.Unmarshal(op.Value, &e) != nil || e.ID == "" {
		return
	}
	switch e.Stage {
	case history.StageInject, history.StageInForce:
		if !slices.Contains(t.force, e.ID) {
			t.force = append(t.force, e.ID)
		}
	case history.StageHealed:
		t.force = slices.DeleteFunc(t.force, func(id string) bool { return id == e.ID })
	}
}

func (t *itfTrace) state(op history.Op, index int) map[string]any {
	open := []any{}
	for p, f := range t.open {
		open = append(open, []any{itfInt(int64(p)), f})
	}
	slices.SortFunc(open, func(a, b any) int { return compareKeys(a, b) })
	force := []any{}
	for _, id := range t.force {
		force = append(force, id)
	}
	return map[string]any{
		"#meta": map[string]any{"index": index}, "step_": itfStep(op),
		"open": map[string]any{"#map": open}, "in_force": map[string]any{"#set": force}, "phase": t.phase,
	}
}

// compareKeys orders the pairs of a map by their keys, so that the same history
// gives the same bytes.
func compareKeys(a, b any) int {
	number := func(pair any) int {
		n, _ := strconv.Atoi(pair.([]any)[0].(itfNumber).Text)
		return n
	}
	return number(a) - number(b)
}

// itfStep is the event as a variant.
func itfStep(op history.Op) map[string]any {
	record := map[string]any{
		"process": itfInt(int64(op.Process)), "key": op.Key, "node": op.Node,
		"time_ns": itfInt(int64(op.Time)), "value": itfValue(op.Value), "error": op.Error,
	}
	return map[string]any{"tag": op.F + "_" + op.Type.String(), "value": record}
}

// An itfNumber is an integer of any size.
type itfNumber struct {
	Text string `json:"#bigint"`
}

func itfInt(n int64) itfNumber { return itfNumber{strconv.FormatInt(n, 10)} }

// itfValue is a JSON value in the format's terms. null is the empty tuple.
func itfValue(raw json.RawMessage) any {
	if len(raw) == 0 {
		return itfUnit()
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return string(raw)
	}
	return itfOf(v)
}

func itfUnit() any { return map[string]any{"#tup": []any{}} }

func itfOf(v any) any {
	switch v := v.(type) {
	case nil:
		return itfUnit()
	case json.Number:
		if n, ok := new(big.Int).SetString(v.String(), 10); ok {
			return itfNumber{n.String()}
		}
		return v.String()
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = itfOf(e)
		}
		return map[string]any{"#tup": out}
	case map[string]any:
		pairs := make([]any, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, []any{name, itfOf(v[name])})
		}
		return map[string]any{"#map": pairs}
	}
	return v
}
