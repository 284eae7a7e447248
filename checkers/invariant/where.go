package invariant

import (
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Where makes a rule of one expression, which is true where the rule is broken:
//
//	op.f == "read" and op.value == 99     over each operation
//	value == 99                           over each read that was ok
//	len(h.of("read")) > 1000              over the whole history
//
// Which it is follows from the names in it: h, else value, else op. If parts
// joined by "and" only say which operations are meant, by op.f == "…" or
// op.f in […], then the rule was exercised when there were such operations.
func Where(name, says, origin, expression string) (*Rule, error) {
	path := name + ": where"
	if len(expression) > maxSource {
		return nil, &ScriptError{Path: path, Message: "the expression is too long"}
	}
	expr, err := options().ParseExpr(path, expression, 0)
	if err != nil {
		return nil, explainLoad(path, err)
	}
	names := namesIn(expr)
	r := &Rule{name: name, says: says, origin: origin, path: path, limits: Limits{}.orDefault()}
	params := []string{"op"}
	switch {
	case names["h"]:
		params = []string{"h"}
	case names["value"]:
		params = []string{"op", "value"}
		r.of = operationsMeant(expr)
		if r.of == nil {
			r.of = []string{"read"}
		}
	default:
		r.of = operationsMeant(expr)
		if b, ok := unparen(expr).(*syntax.BinaryExpr); ok && b.Op != syntax.AND {
			r.of = nil // it says that there must be no such operation at all
		}
	}
	fn, err := lambda(path, params, expression)
	if err != nil {
		return nil, err
	}
	switch params[0] {
	case "h":
		r.kind = whole{fn: fn, never: true}
	default:
		r.kind = predicate{fn: fn, never: true, read: len(params) == 2}
	}
	return r, nil
}

// lambda makes a function of an expression.
func lambda(path string, params []string, expression string) (starlark.Callable, error) {
	var made starlark.Callable
	words := vocabulary()
	words["·take"] = starlark.NewBuiltin("·take", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		made, _ = args[0].(starlark.Callable)
		return starlark.None, nil
	})
	program, err := compile(path, []byte(expression), words, func(f *syntax.File) error {
		return wrapLambda(path, f, params)
	})
	if err != nil {
		return nil, err
	}
	if err := execute(path, program, words, Limits{}.orDefault()); err != nil {
		return nil, err
	}
	made.Freeze()
	return made, nil
}

// wrapLambda makes ·take(lambda params: expression) of a file that is one expression.
func wrapLambda(path string, f *syntax.File, params []string) error {
	if len(f.Stmts) == 1 {
		if s, ok := f.Stmts[0].(*syntax.ExprStmt); ok {
			at := syntax.Start(s.X)
			fn := &syntax.LambdaExpr{Lambda: at, Body: s.X}
			for _, p := range params {
				fn.Params = append(fn.Params, &syntax.Ident{NamePos: at, Name: p})
			}
			s.X = call("·take", at, fn)
			return nil
		}
	}
	return &ScriptError{Path: path, Line: 1, Column: 1, Message: "this must be one expression, for example: op.f == \"read\" and op.value == 99"}
}

// namesIn are all the names that an expression uses.
func namesIn(e syntax.Expr) map[string]bool {
	names := make(map[string]bool)
	syntax.Walk(e, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.DotExpr:
			for name := range namesIn(n.X) {
				names[name] = true
			}
			return false
		case *syntax.Ident:
			names[n.Name] = true
		}
		return true
	})
	return names
}

// operationsMeant returns the names of the operations that e is about, where
// one of its parts joined by "and" says so; nil for all.
func operationsMeant(e syntax.Expr) []string {
	b, ok := unparen(e).(*syntax.BinaryExpr)
	if !ok {
		return nil
	}
	if b.Op == syntax.AND {
		if left := operationsMeant(b.X); left != nil {
			return left
		}
		return operationsMeant(b.Y)
	}
	dot, ok := unparen(b.X).(*syntax.DotExpr)
	if !ok || dot.Name.Name != "f" {
		return nil
	}
	if id, ok := dot.X.(*syntax.Ident); !ok || id.Name != "op" {
		return nil
	}
	switch b.Op {
	case syntax.EQL:
		return literals([]syntax.Expr{b.Y})
	case syntax.IN:
		switch list := unparen(b.Y).(type) {
		case *syntax.ListExpr:
			return literals(list.List)
		case *syntax.TupleExpr:
			return literals(list.List)
		}
	}
	return nil
}

// literals returns the strings of list if it has nothing else.
func literals(list []syntax.Expr) []string {
	var words []string
	for _, e := range list {
		l, ok := unparen(e).(*syntax.Literal)
		if !ok || l.Token != syntax.STRING {
			return nil
		}
		words = append(words, l.Value.(string))
	}
	return words
}
