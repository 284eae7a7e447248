package invariant

import (
	"go.starlark.net/syntax"
)

// Starlark counts steps, but not memory: x + x doubles x in one step. So we
// rewrite a script before it is compiled: whatever makes a value whose size is
// not bounded by the script's own length goes through a function of ours that
// takes the price from the budget first (see budget.go). Their names begin with
// a sign that cannot be typed in a script.
const (
	guardPlus    = "·plus"    // x + y, x - y, x | y, x & y, x ^ y, x << y
	guardTimes   = "·times"   // x * y
	guardPercent = "·percent" // x % y
	guardAdd     = "·add"     // x += y for a name x
	guardSet     = "·set"     // x[i] op= y
	guardCall    = "·call"    // x.method(…), and all calls but those of a plain name
	guardCopy    = "·copy"    // x in f(*x) and x[i:j]
	guardMade    = "·made"    // [x, y], (x, y), {x: y}
	guardItem    = "·item"    // what a comprehension, an item or a lambda keeps
)

// copying are the methods that make something large out of something small
// in a single call; they can only be called where they are named, where the
// guard sees them.
func copying(method string) bool {
	switch method {
	case "extend", "join", "replace", "format", "update", "union", "split", "rsplit",
		"splitlines", "items", "keys", "values", "append", "insert", "add", "setdefault",
		"intersection", "difference", "symmetric_difference", "elems", "codepoints":
		return true
	}
	return false
}

// A guard rewrites one file.
type guard struct {
	path string
	// wrong is the first thing that the sandbox does not allow.
	wrong error
}

func (g *guard) refuse(at syntax.Position, message string) {
	if g.wrong == nil {
		g.wrong = &ScriptError{Path: g.path, Line: int(at.Line), Column: int(at.Col), Message: message}
	}
}

func (g *guard) block(stmts []syntax.Stmt) {
	for i := range stmts {
		stmts[i] = g.stmt(stmts[i])
	}
}

func (g *guard) stmt(s syntax.Stmt) syntax.Stmt {
	switch s := s.(type) {
	case *syntax.AssignStmt:
		return g.assign(s)
	case *syntax.DefStmt:
		g.params(s.Params)
		g.block(s.Body)
	case *syntax.ExprStmt:
		s.X = g.expr(s.X)
	case *syntax.ForStmt:
		g.target(s.Vars)
		s.X = g.expr(s.X)
		g.block(s.Body)
	case *syntax.WhileStmt:
		g.refuse(s.While, "there is no while here; use: for _ in range(…)")
	case *syntax.IfStmt:
		s.Cond = g.expr(s.Cond)
		g.block(s.True)
		g.block(s.False)
	case *syntax.ReturnStmt:
		s.Result = g.expr(s.Result)
	case *syntax.LoadStmt:
		g.refuse(s.Load, "there is no load here: a file of rules stands alone")
	}
	return s
}

func (g *guard) params(params []syntax.Expr) {
	for _, p := range params {
		if b, ok := p.(*syntax.BinaryExpr); ok {
			b.Y = g.expr(b.Y)
		}
	}
}

// guardFor returns the guard of a binary operator, or "" if it needs none.
func guardFor(op syntax.Token) string {
	switch op {
	case syntax.PLUS, syntax.PLUS_EQ, syntax.PIPE, syntax.PIPE_EQ, syntax.LTLT, syntax.LTLT_EQ,
		syntax.MINUS, syntax.MINUS_EQ, syntax.AMP, syntax.AMP_EQ, syntax.CIRCUMFLEX, syntax.CIRCUMFLEX_EQ:
		return guardPlus
	case syntax.STAR, syntax.STAR_EQ:
		return guardTimes
	case syntax.PERCENT, syntax.PERCENT_EQ:
		return guardPercent
	}
	return ""
}

func (g *guard) assign(s *syntax.AssignStmt) syntax.Stmt {
	lhs := unparen(s.LHS)
	small := (s.Op == syntax.PLUS_EQ || s.Op == syntax.MINUS_EQ) && isNumber(s.RHS)
	s.RHS = g.expr(s.RHS)
	g.target(lhs)
	index, indexed := lhs.(*syntax.IndexExpr)
	name := guardFor(s.Op)
	switch {
	case s.Op == syntax.EQ && indexed:
		s.RHS = call(guardItem, s.OpPos, s.RHS)
	case name == "" || small:
	case indexed:
		return &syntax.ExprStmt{X: call(guardSet, s.OpPos, index.X, index.Y, s.RHS, token(s.Op, s.OpPos))}
	default:
		if id, ok := lhs.(*syntax.Ident); ok {
			if name == guardPlus && s.Op == syntax.PLUS_EQ {
				name = guardAdd
			}
			args := []syntax.Expr{&syntax.Ident{NamePos: id.NamePos, Name: id.Name}, s.RHS}
			if name == guardPlus {
				args = append(args, token(s.Op, s.OpPos))
			}
			s.Op, s.RHS = syntax.EQ, call(name, s.OpPos, args...)
		}
	}
	return s
}

// target guards what is computed on the left of an assignment.
func (g *guard) target(e syntax.Expr) {
	switch e := unparen(e).(type) {
	case *syntax.IndexExpr:
		e.X, e.Y = g.expr(e.X), g.expr(e.Y)
	case *syntax.DotExpr:
		e.X = g.expr(e.X)
	case *syntax.ListExpr:
		for _, item := range e.List {
			g.target(item)
		}
	case *syntax.TupleExpr:
		for _, item := range e.List {
			g.target(item)
		}
	}
}

// token passes an operator to a guard.
func token(op syntax.Token, at syntax.Position) syntax.Expr {
	return &syntax.Literal{Token: syntax.INT, TokenPos: at, Raw: "0", Value: int64(op)}
}

func call(name string, at syntax.Position, args ...syntax.Expr) *syntax.CallExpr {
	return &syntax.CallExpr{Fn: &syntax.Ident{NamePos: at, Name: name}, Lparen: at, Args: args, Rparen: at}
}

func unparen(e syntax.Expr) syntax.Expr {
	for {
		p, ok := e.(*syntax.ParenExpr)
		if !ok {
			return e
		}
		e = p.X
	}
}

func isNumber(e syntax.Expr) bool {
	l, ok := unparen(e).(*syntax.Literal)
	return ok && (l.Token == syntax.INT || l.Token == syntax.FLOAT)
}

func (g *guard) exprs(list []syntax.Expr) {
	for i := range list {
		list[i] = g.expr(list[i])
	}
}

func (g *guard) expr(e syntax.Expr) syntax.Expr {
	switch e := e.(type) {
	case *syntax.BinaryExpr:
		return g.binary(e)
	case *syntax.CallExpr:
		return g.call(e)
	case *syntax.Comprehension:
		return g.comprehension(e)
	case *syntax.CondExpr:
		e.Cond, e.True, e.False = g.expr(e.Cond), g.expr(e.True), g.expr(e.False)
	case *syntax.DictEntry:
		e.Key, e.Value = g.expr(e.Key), g.expr(e.Value)
	case *syntax.DictExpr:
		g.exprs(e.List)
		return call(guardMade, e.Lbrace, e)
	case *syntax.DotExpr:
		if copying(e.Name.Name) {
			g.refuse(e.Name.NamePos, "the method "+e.Name.Name+" can only be called here, not kept: write x."+e.Name.Name+"(…)")
		}
		e.X = g.expr(e.X)
	case *syntax.IndexExpr:
		e.X, e.Y = g.expr(e.X), g.expr(e.Y)
	case *syntax.LambdaExpr:
		g.params(e.Params)
		e.Body = g.expr(e.Body)
		return call(guardItem, e.Lambda, e)
	case *syntax.ListExpr:
		g.exprs(e.List)
		return call(guardMade, e.Lbrack, e)
	case *syntax.ParenExpr:
		e.X = g.expr(e.X)
	case *syntax.SliceExpr:
		e.X = call(guardCopy, e.Lbrack, g.expr(e.X))
		e.Lo, e.Hi, e.Step = g.expr(e.Lo), g.expr(e.Hi), g.expr(e.Step)
	case *syntax.TupleExpr:
		g.exprs(e.List)
		return call(guardMade, syntax.Start(e), e)
	case *syntax.UnaryExpr:
		e.X = g.expr(e.X)
	}
	return e
}

func (g *guard) binary(e *syntax.BinaryExpr) syntax.Expr {
	e.X = g.expr(e.X)
	if e.Op == syntax.IN || e.Op == syntax.NOT_IN {
		e.Y = g.momentary(e.Y)
		return e
	}
	e.Y = g.expr(e.Y)
	name := guardFor(e.Op)
	if name == "" || (e.Op == syntax.PLUS || e.Op == syntax.MINUS) && (isNumber(e.X) || isNumber(e.Y)) {
		return e
	}
	args := []syntax.Expr{e.X, e.Y}
	if name == guardPlus {
		args = append(args, token(e.Op, e.OpPos))
	}
	return call(name, e.OpPos, args...)
}

// momentary guards what is inside a list, but not the list, which goes away at
// once: x in [1, 2, 3].
func (g *guard) momentary(e syntax.Expr) syntax.Expr {
	switch list := unparen(e).(type) {
	case *syntax.ListExpr:
		g.exprs(list.List)
		return list
	case *syntax.TupleExpr:
		g.exprs(list.List)
		return list
	}
	return g.expr(e)
}

func (g *guard) call(e *syntax.CallExpr) syntax.Expr {
	for i, arg := range e.Args {
		switch arg := arg.(type) {
		case *syntax.BinaryExpr:
			if arg.Op == syntax.EQ { // a named argument
				arg.Y = g.expr(arg.Y)
				continue
			}
		case *syntax.UnaryExpr:
			if arg.Op == syntax.STAR || arg.Op == syntax.STARSTAR {
				arg.X = call(guardCopy, arg.OpPos, g.expr(arg.X))
				continue
			}
		}
		e.Args[i] = g.expr(arg)
	}
	fn := unparen(e.Fn)
	if _, plain := fn.(*syntax.Ident); plain {
		return e
	}
	if dot, ok := fn.(*syntax.DotExpr); ok {
		dot.X = g.expr(dot.X)
	} else {
		fn = g.expr(fn)
	}
	e.Args = append([]syntax.Expr{fn}, e.Args...)
	e.Fn = &syntax.Ident{NamePos: syntax.Start(fn), Name: guardCall}
	return e
}

func (g *guard) comprehension(e *syntax.Comprehension) syntax.Expr {
	if entry, ok := e.Body.(*syntax.DictEntry); ok {
		entry.Key = g.expr(entry.Key)
		entry.Value = call(guardItem, entry.Colon, g.expr(entry.Value))
	} else {
		e.Body = call(guardItem, e.Lbrack, g.expr(e.Body))
	}
	for _, clause := range e.Clauses {
		switch clause := clause.(type) {
		case *syntax.ForClause:
			g.target(clause.Vars)
			clause.X = g.expr(clause.X)
		case *syntax.IfClause:
			clause.Cond = g.expr(clause.Cond)
		}
	}
	return e
}
