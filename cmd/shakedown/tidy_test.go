package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// This file walks the repository and holds it to the rules that were agreed
// on. Each rule has an offender, in testdata/tidy or made below, so that a rule
// that has gone blind fails as well.

// The walls. A function or a file that runs into one has two ideas in it.
const (
	maxFunction = 70
	maxFile     = 500
)

// A goFile is one parsed file; path is relative to the repository, with slashes.
type goFile struct {
	path string
	fset *token.FileSet
	ast  *ast.File
	text string
}

func (f goFile) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// folder is the first part of the path: the noun that owns the file.
func (f goFile) folder() string { return strings.SplitN(f.path, "/", 2)[0] }

func (f goFile) line(n token.Pos) int { return f.fset.Position(n).Line }

// A complaint is a place that breaks a rule, and what to do instead.
type complaint struct {
	line int
	text string
}

// rules are all rules that can be told from one file.
func rules() map[string]func(goFile) []complaint {
	return map[string]func(goFile) []complaint{
		"imports":        importTable,
		"long-function":  longFunctions,
		"long-file":      longFile,
		"exported-docs":  exportedDocs,
		"init":           initFunctions,
		"exit":           exits,
		"chance":         globalChance,
		"mutable":        mutableVariables,
		"print":          prints,
		"wall-clock":     wallClock,
		"machine-paths":  machinePaths,
		"vague-packages": vaguePackages,
	}
}

func longFunctions(f goFile) (out []complaint) {
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := f.line(fn.End()) - f.line(fn.Pos()) + 1; n > maxFunction {
			out = append(out, complaint{f.line(fn.Pos()), fmt.Sprintf("%s has %d lines, and %d is the wall", fn.Name.Name, n, maxFunction)})
		}
	}
	return out
}

func longFile(f goFile) []complaint {
	if n := strings.Count(f.text, "\n"); n > maxFile {
		return []complaint{{1, fmt.Sprintf("the file has %d lines, and %d is the wall", n, maxFile)}}
	}
	return nil
}

// exportedDocs wants a comment on what is exported. One comment on a group of
// constants will do; methods count when their type is exported.
func exportedDocs(f goFile) (out []complaint) {
	if f.test() {
		return nil
	}
	missing := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		if name.IsExported() && !slices.ContainsFunc(docs, func(g *ast.CommentGroup) bool { return g != nil }) {
			out = append(out, complaint{f.line(name.Pos()), name.Name + " is exported and has no comment"})
		}
	}
	for _, d := range f.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || ast.IsExported(receiver(d)) {
				missing(d.Name, d.Doc, wellKnown(d))
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					missing(s.Name, d.Doc, s.Doc)
				case *ast.ValueSpec:
					missing(s.Names[0], d.Doc, s.Doc, s.Comment)
				}
			}
		}
	}
	return out
}

func receiver(d *ast.FuncDecl) string {
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if generic, ok := t.(*ast.IndexExpr); ok {
		t = generic.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// wellKnown excuses methods whose contract is the standard library's.
func wellKnown(d *ast.FuncDecl) *ast.CommentGroup {
	names := []string{"Error", "Unwrap", "String", "MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Len", "Less", "Swap", "Write", "Close"}
	if d.Recv != nil && slices.Contains(names, d.Name.Name) {
		return &ast.CommentGroup{}
	}
	return nil
}

func initFunctions(f goFile) (out []complaint) {
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			out = append(out, complaint{f.line(fn.Pos()), "func init hides work; call it from where it is needed"})
		}
	}
	return out
}

// calls finds the uses of selectors of a package, "os.Exit", for which bad is
// true. The package is told by its import path, whatever it is called.
func calls(f goFile, importPath string, bad func(name string) bool, say string) (out []complaint) {
	local := ""
	for _, spec := range f.ast.Imports {
		if strings.Trim(spec.Path.Value, `"`) == importPath {
			local = path.Base(strings.TrimSuffix(importPath, "/v2"))
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	if local == "" {
		return nil
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name == local && x.Obj == nil && bad(s.Sel.Name) {
			out = append(out, complaint{f.line(s.Pos()), local + "." + s.Sel.Name + ": " + say})
		}
		return true
	})
	return out
}

func exits(f goFile) []complaint {
	if f.test() || f.ast.Name.Name == "main" && path.Base(f.path) == "main.go" {
		return nil
	}
	const say = "only main may exit; return an error"
	out := calls(f, "os", func(name string) bool { return name == "Exit" }, say)
	return append(out, calls(f, "log", func(name string) bool { return strings.HasPrefix(name, "Fatal") }, say)...)
}

func globalChance(f goFile) []complaint {
	var out []complaint
	for _, spec := range f.ast.Imports {
		if spec.Path.Value == `"math/rand"` {
			out = append(out, complaint{f.line(spec.Pos()), "use math/rand/v2"})
		}
	}
	fine := []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}
	return append(out, calls(f, "math/rand/v2", func(name string) bool { return !slices.Contains(fine, name) },
		"chance is a parameter: rand.New(rand.NewPCG(seed, stream))")...)
}

// mutableVariables allows what nobody changes by mistake: errors, patterns,
// embedded files, and assertions that a type has an interface.
func mutableVariables(f goFile) (out []complaint) {
	if f.test() {
		return nil
	}
	for _, d := range f.ast.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			if v.Names[0].Name == "_" || embedded(g, v) || constantCall(v) {
				continue
			}
			out = append(out, complaint{f.line(v.Pos()), v.Names[0].Name + " can be changed by anybody; use a constant, a function or a parameter"})
		}
	}
	return out
}

func embedded(g *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{g.Doc, v.Doc} {
		if doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") }) {
			return true
		}
	}
	return false
}

func constantCall(v *ast.ValueSpec) bool {
	fine := []string{"errors.New", "fmt.Errorf", "regexp.MustCompile"}
	return len(v.Values) > 0 && !slices.ContainsFunc(v.Values, func(e ast.Expr) bool {
		call, ok := e.(*ast.CallExpr)
		if !ok {
			return true
		}
		s, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := s.X.(*ast.Ident)
		return !ok || !slices.Contains(fine, x.Name+"."+s.Sel.Name)
	})
}

func prints(f goFile) []complaint {
	if f.test() {
		return nil
	}
	return calls(f, "fmt", func(name string) bool { return strings.HasPrefix(name, "Print") }, "write to a writer that was given")
}

// wallClock keeps time a parameter where the same input must give the same
// output. The agent, which works next to the kernel, has its own clock.
func wallClock(f goFile) []complaint {
	pure := []string{"history", "scenarios", "nemesis"}
	if f.test() || !slices.Contains(pure, f.folder()) || strings.HasPrefix(f.path, "nemesis/agent/") {
		return nil
	}
	return calls(f, "time", func(name string) bool { return slices.Contains([]string{"Now", "Since", "Until"}, name) }, "time is a parameter")
}

// machinePaths finds paths that exist on one machine only. They are put
// together here so that this file does not hold one.
func machinePaths(f goFile) (out []complaint) {
	pattern := regexp.MustCompile(`/(` + strings.Join([]string{"work/main", "work/shared", "root/go", `home/[a-z]+/`, "Users/[a-z]+/"}, "|") + `)`)
	if f.path == "cmd/shakedown/tidy_test.go" {
		return nil
	}
	for i, line := range strings.Split(f.text, "\n") {
		if m := pattern.FindString(line); m != "" {
			out = append(out, complaint{i + 1, m + " is a path of one machine"})
		}
	}
	return out
}

func vaguePackages(f goFile) []complaint {
	vague := []string{"util", "utils", "common", "helpers", "types", "core", "pkg", "misc"}
	for _, part := range strings.Split(path.Dir(f.path), "/") {
		if slices.Contains(vague, part) {
			return []complaint{{1, "the folder " + part + " says nothing; name it by its noun"}}
		}
	}
	return nil
}

// root is the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func parse(t *testing.T, name string, text []byte) goFile {
	t.Helper()
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, name, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return goFile{path: name, fset: fset, ast: tree, text: string(text)}
}

// goFiles parses every Go file but those in folders that the go command skips.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var out []goFile
	err := filepath.WalkDir(root(t), func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); file != root(t) && (name == "testdata" || name == "runs" || strings.HasPrefix(name, ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root(t), file)
		if err != nil {
			return err
		}
		out = append(out, parse(t, filepath.ToSlash(name), text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Without this the rules would be wishes.
func TestTidy(t *testing.T) {
	for _, f := range goFiles(t) {
		for name, rule := range rules() {
			for _, c := range rule(f) {
				t.Errorf("%s:%d: %s (%s)", f.path, c.line, c.text, name)
			}
		}
	}
}

// Without this a package could be without a word on what it is for.
func TestTidyPackageDocs(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range goFiles(t) {
		if !f.test() {
			dir := path.Dir(f.path)
			documented[dir] = documented[dir] || f.ast.Doc != nil
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no file says what the package is for", dir)
		}
	}
}

// Without this the top of the repository would fill up with whatever has no place.
func TestTidyTopLevel(t *testing.T) {
	want := []string{"README.md", "checkers", "cmd", "docker", "go.mod", "go.sum", "history", "nemesis", "runner", "scenarios"}
	entries, err := os.ReadDir(root(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for _, complaint := range topLevel(names, want) {
		t.Error(complaint)
	}
}

// topLevel compares the names at the top with those wanted. Dotfiles may be
// there, and what git ignores: runs and the built program.
func topLevel(names, want []string) (out []string) {
	for _, name := range names {
		if !slices.Contains(want, name) && name != "runs" && name != "shakedown" && !strings.HasPrefix(name, ".") {
			out = append(out, name+" has no place at the top level")
		}
	}
	for _, name := range want {
		if !slices.Contains(names, name) {
			out = append(out, name+" is missing at the top level")
		}
	}
	return out
}
