package checkers

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers/linear"
)

// decide finds out whether the accesses of one key are linearizable, with the
// engine that decided: those of package linear first, which are exact and know
// what a register is; porcupine only for what they give up. Unknown comes with a
// reason.
func decide(ctx context.Context, accesses []access) (verdict Verdict, engine, reason string) {
	if ctx.Err() != nil {
		return Unknown, "", outOfTime
	}
	switch r := linear.Judge(ctx, linear.Register, operations(accesses)); {
	case r.Verdict == linear.Linearizable:
		return Valid, engineName(r.Engine), ""
	case r.Verdict == linear.Violated:
		return Violation, engineName(r.Engine), ""
	case ctx.Err() != nil:
		return Unknown, "", outOfTime
	}
	verdict, reason = judge(ctx, accesses)
	return verdict, "porcupine", reason
}

// engineName is what sentences call an engine.
func engineName(engine string) string {
	if engine == "register-search" {
		return "search"
	}
	return engine
}

// operations are the accesses as package linear takes them.
func operations(accesses []access) []linear.Op {
	ops := make([]linear.Op, len(accesses))
	for i := range accesses {
		a := &accesses[i]
		o := linear.Op{Call: a.call, Return: a.ret, Unknown: a.ret == open}
		switch {
		case a.refuses != nothing:
			o.Kind, o.Value = linear.Refuse, a.refuses
		case a.sets == nothing:
			o.Kind, o.Value = linear.Read, a.needs
		case a.needs == nothing:
			o.Kind, o.Value = linear.Write, a.sets
		default:
			o.Kind, o.Value, o.New = linear.CAS, a.needs, a.sets
		}
		ops[i] = o
	}
	return ops
}

// enginesPhrase names the engines that decided: "decided by zones". It is empty
// if none did.
func (t tallied) enginesPhrase() string {
	used := map[string]bool{}
	for _, keys := range [][]*judgement{t.valid, t.violated} {
		for _, k := range keys {
			if k.engine != "" {
				used[k.engine] = true
			}
		}
	}
	if len(used) == 0 {
		return ""
	}
	return "; decided by " + strings.Join(slices.Sorted(maps.Keys(used)), " and ")
}
