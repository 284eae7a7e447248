package invariant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// loadTime bounds how long the top level of a file may run.
const loadTime = 5 * time.Second

// Load reads a file of rules, Starlark that calls invariant(…) and model(…).
// path is only the name that errors give it. The error is a [*ScriptError] that
// names line and column.
func Load(path string, src []byte) ([]*Rule, error) {
	return load(path, src, Limits{})
}

func load(path string, src []byte, limits Limits) ([]*Rule, error) {
	l := &loader{path: path, limits: limits.orDefault(), names: make(map[string]bool)}
	words := vocabulary()
	words["invariant"] = starlark.NewBuiltin("invariant", l.invariant)
	words["model"] = starlark.NewBuiltin("model", l.model)
	program, err := compile(path, src, words, nil)
	if err != nil {
		return nil, err
	}
	if err := execute(path, program, words, l.limits); err != nil {
		return nil, err
	}
	if len(l.rules) == 0 {
		return nil, &ScriptError{Path: path, Message: "there is no rule in it",
			Hint: "a file of rules calls invariant(name=…, …) or model(name=…, …)"}
	}
	return l.rules, nil
}

func options() *syntax.FileOptions {
	return &syntax.FileOptions{Set: true, TopLevelControl: true}
}

// compile makes a guarded program of a script, after change if there is one.
func compile(path string, src []byte, words starlark.StringDict, change func(*syntax.File) error) (*starlark.Program, error) {
	if len(src) > maxSource {
		return nil, &ScriptError{Path: path, Message: fmt.Sprintf("it has %d bytes; at most %d are read", len(src), maxSource)}
	}
	file, err := options().Parse(path, src, 0)
	if err != nil {
		return nil, explainLoad(path, err)
	}
	if change != nil {
		if err := change(file); err != nil {
			return nil, err
		}
	}
	g := &guard{path: path}
	g.block(file.Stmts)
	if g.wrong != nil {
		return nil, g.wrong
	}
	// The universe is asked by the resolver as well, so what we leave out of it
	// has to be found here.
	if at, name := firstForbidden(file); name != "" {
		return nil, scriptError(path, at, "undefined: "+name)
	}
	program, err := starlark.FileProgram(file, words.Has)
	if err != nil {
		return nil, explainLoad(path, err)
	}
	return program, nil
}

func firstForbidden(file *syntax.File) (at syntax.Position, name string) {
	syntax.Walk(file, func(n syntax.Node) bool {
		if id, ok := n.(*syntax.Ident); ok && name == "" && forbidden(id.Name) {
			at, name = id.NamePos, id.Name
		}
		return name == ""
	})
	return at, name
}

// execute runs the top level of a program.
func execute(path string, program *starlark.Program, words starlark.StringDict, limits Limits) error {
	ctx, cancel := context.WithTimeout(context.Background(), loadTime)
	defer cancel()
	m := newMachine(ctx, path, limits)
	defer m.close()
	top := starlark.NewBuiltin("file", func(thread *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		globals, err := program.Init(thread, words)
		globals.Freeze()
		return starlark.None, err
	})
	_, err := m.call(top)
	var called *broke
	if errors.As(err, &called) {
		return scriptError(path, called.at, "the file itself fails: "+called.says)
	}
	return err
}

// A loader takes in the rules of one file.
type loader struct {
	path   string
	limits Limits
	rules  []*Rule
	names  map[string]bool
}

// parameters are what invariant and model share.
type parameters struct {
	name, says, origin string
	of                 starlark.Value
	when               starlark.Callable
	needs              *starlark.Dict
	per                starlark.Value
}

// pairs are the parameters for UnpackArgs.
func (p *parameters) pairs(more ...any) []any {
	return append([]any{"name", &p.name, "says?", &p.says, "origin?", &p.origin, "of??", &p.of,
		"when??", &p.when, "needs??", &p.needs, "per??", &p.per}, more...)
}

// invariant is invariant(name=…, …) in a script.
func (l *loader) invariant(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) > 0 {
		return nil, errors.New("invariant: give everything by name: invariant(name=\"…\", says=\"…\", each_op=…)")
	}
	var p parameters
	var a ways
	pairs := p.pairs("each_op??", &a.eachOp, "never??", &a.never, "each_read??", &a.eachRead, "history??", &a.history,
		"init??", &a.init, "step??", &a.step, "end??", &a.end, "within??", &a.within, "after??", &a.after, "holds??", &a.holds)
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, pairs...); err != nil {
		return nil, err
	}
	freeze(kwargs)
	kind, err := a.kind()
	if err != nil {
		return nil, err
	}
	r, err := p.rule(l, kind)
	if err != nil {
		return nil, err
	}
	if a.eachRead != nil && len(r.of) == 0 {
		r.of = []string{"read"}
	}
	return starlark.None, l.add(r)
}

// model is model(name=…, …) in a script.
func (l *loader) model(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) > 0 {
		return nil, errors.New("model: give everything by name: model(name=\"…\", says=\"…\", init=…, step=…)")
	}
	p := parameters{per: starlark.String("key")}
	m := model{init: starlark.None}
	pairs := p.pairs("init?", &m.init, "step", &m.step, "failures?", &m.failures)
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, pairs...); err != nil {
		return nil, err
	}
	freeze(kwargs)
	r, err := p.rule(l, m)
	if err != nil {
		return nil, err
	}
	return starlark.None, l.add(r)
}

// freeze makes what a rule is made of unchangeable, so that a rule cannot
// remember one history while it judges another.
func freeze(kwargs []starlark.Tuple) {
	for _, pair := range kwargs {
		pair[1].Freeze()
	}
}

func (l *loader) add(r *Rule) error {
	if l.names[r.name] {
		return fmt.Errorf("there are two rules called %q", r.name)
	}
	if len(l.rules) == maxRules {
		return fmt.Errorf("there are more than %d rules", maxRules)
	}
	l.names[r.name] = true
	l.rules = append(l.rules, r)
	return nil
}

func (p *parameters) rule(l *loader, k kind) (*Rule, error) {
	if p.name == "" {
		return nil, errors.New("a rule needs a name")
	}
	r := &Rule{name: p.name, says: p.says, origin: p.origin, path: l.path, limits: l.limits, kind: k, when: p.when}
	var err error
	if r.of, err = operationNames(p.of); err != nil {
		return nil, err
	}
	if r.per, err = groupingOf(p.per); err != nil {
		return nil, err
	}
	if p.when != nil {
		r.asked = r.subject() + " of the kind that when asks for"
	}
	r.needs, err = needsOf(p.needs)
	return r, err
}

func needsOf(dict *starlark.Dict) ([]need, error) {
	if dict == nil {
		return nil, nil
	}
	var needs []need
	for _, item := range dict.Items() {
		name, isString := starlark.AsString(item[0])
		is, isFunction := item[1].(starlark.Callable)
		if !isString || !isFunction {
			return nil, errors.New(`needs is a dict of words and functions: {"takeover by another client": lambda op: …}`)
		}
		needs = append(needs, need{name, is})
	}
	return needs, nil
}

// operationNames reads "read" or ["read", "write"].
func operationNames(v starlark.Value) ([]string, error) {
	if v == nil {
		return nil, nil
	}
	if s, ok := starlark.AsString(v); ok {
		return []string{s}, nil
	}
	var names []string
	if list, ok := v.(starlark.Iterable); ok {
		for item := range starlark.Elements(list) {
			s, ok := starlark.AsString(item)
			if !ok {
				break
			}
			names = append(names, s)
		}
		if len(names) == starlark.Len(v) && len(names) > 0 {
			return names, nil
		}
	}
	return nil, fmt.Errorf(`of is the name of an operation or a list of names, not %s`, show(v))
}

func groupingOf(v starlark.Value) (grouping, error) {
	if v == nil {
		return grouping{}, nil
	}
	if fn, ok := v.(starlark.Callable); ok {
		return grouping{fn: fn}, nil
	}
	switch s, _ := starlark.AsString(v); s {
	case "key", "node", "process":
		return grouping{by: s}, nil
	case "all":
		return grouping{}, nil
	}
	return grouping{}, fmt.Errorf(`per is "key", "node", "process", "all" or a function of an operation, not %s`, show(v))
}
