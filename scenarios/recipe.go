package scenarios

import (
	"path"
	"strings"
)

// ParseRecipe reads docker/images/<name>/recipe.yaml and fills in every
// default. The error is [Diagnostics], with all findings at once.
//
// A recipe builds a Go module (lines, with a default version), the program
// beside it (build.source), or Debian's packages (build.packages, with a
// default version).
func ParseRecipe(name string, src []byte) (*Recipe, error) {
	d, root := load("docker/images/"+name+"/recipe.yaml", src)
	var out *Recipe
	if root != nil {
		out = readRecipe(value{d, root, ""}, name)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	return out, nil
}

func readRecipe(v value, name string) *Recipe {
	if !v.isMapping() {
		v.reportf("a recipe begins with about:", "expected a recipe, got %s", kindOf(v.node))
		return nil
	}
	s := v.section("about", "build", "default", "lines", "system", "client")
	out := &Recipe{Name: name, System: defaultSystem()}
	build := &Build{Recipe: name}
	out.System.Build = build
	s.text("about", &out.About)
	out.About = strings.TrimSpace(out.About)
	if s.need("build", "say how it is built: build: {kind: go, binary: /server}") {
		readBuild(s.fields["build"], build)
	}
	readLines(s, out)
	checkBuild(s, out)
	if s.need("system", "say how a node is run: system: {command: […], ports: {client: 8080}}") {
		readRecipeSystem(s.fields["system"], &out.System)
	}
	if client, ok := s.fields["client"]; ok {
		out.Client = readClientOver(client, Client{}, kind{})
	}
	return out
}

func readBuild(v value, out *Build) {
	s := v.section("kind", "binary", "source", "packages", "without", "files")
	if s.need("kind", "write kind: go") {
		s.word("kind", "kind", &out.Kind, []string{kindGo, kindDebian})
	}
	checkKind(s, out.Kind)
	if s.need("binary", "say where the program is put, as in binary: /server") {
		read(s, "binary", &out.Binary, value.location)
	}
	readPackages(s, out)
	source, ok := s.fields["source"]
	if !ok {
		return
	}
	items, ok := source.items("file names")
	if ok && len(items) == 0 {
		source.report("the list of files is empty", "write as in source: [main.go]")
	}
	for _, item := range items {
		file, good := item.text()
		if good && (path.Base(file) != file || !strings.HasSuffix(file, ".go")) {
			item.reportf("write as in main.go", "%q is not a Go file beside the recipe", file)
		}
		out.Source = append(out.Source, file)
	}
}

func readLines(s section, out *Recipe) {
	lines, ok := s.fields["lines"]
	if !ok {
		return
	}
	items, _ := lines.items("lines of versions")
	for _, item := range items {
		out.Lines = append(out.Lines, readLine(item))
	}
}

func readLine(v value) RecipeLine {
	var out RecipeLine
	s := v.section("prefix", "module", "package", "versions", "replace")
	if s.need("prefix", `write as in prefix: "3.5."`) {
		s.version("prefix", &out.Prefix)
	}
	if s.need("module", "write as in module: go.etcd.io/etcd/server/v3") {
		s.text("module", &out.Module)
	}
	out.Package = out.Module
	s.text("package", &out.Package)
	read(s, "replace", &out.Replace, value.replacements)
	versions, ok := s.fields["versions"]
	if !ok {
		return out
	}
	pairs, _ := versions.pairs("a mapping of versions to module versions")
	out.Versions = map[string]string{}
	for _, p := range pairs {
		version, good := p.key.version()
		if good && !strings.HasPrefix(version, out.Prefix) {
			p.key.reportf("", "%q does not begin with %q", version, out.Prefix)
		}
		module, also := p.value.text()
		if good && also {
			out.Versions[version] = module
		}
	}
	return out
}

// replacements are replace directives of a go.mod, without the word itself.
func (v value) replacements() ([]string, bool) {
	items, ok := v.items("replace directives")
	var out []string
	for _, item := range items {
		s, good := item.text()
		if good && (strings.Count(s, " => ") != 1 || strings.Contains(s, "\n")) {
			item.reportf("write as in example.com/old => example.com/new v1.2.3", "%q is not a replace directive", s)
			good = false
		}
		out, ok = append(out, s), ok && good
	}
	return out, ok
}

// checkBuild sees that there is one thing to build, and that the default is a
// version of it.
func checkBuild(s section, r *Recipe) {
	build := s.at("build")
	if r.System.Build.Kind == kindDebian {
		checkPackages(s, r)
		return
	}
	source := len(r.System.Build.Source) > 0
	switch {
	case source && s.has("lines"):
		build.report("source and lines are both given", "a recipe builds its own files or a module, keep one")
		return
	case !source && !s.has("lines"):
		build.report("there is nothing to build", "add lines (of a module's versions), or source: [main.go]")
		return
	case source && s.has("default"):
		s.at("default").report("there are no versions to choose a default from", "leave it out")
		return
	case source || !s.need("default", `write as in default: "3.5.21"`):
		return
	}
	s.version("default", &r.Default)
	if r.Default == "" || len(r.Lines) == 0 {
		return
	}
	if _, wrong := r.build(r.Default); wrong != nil {
		s.at("default").report(wrong.message, wrong.hint)
	}
}

// readRecipeSystem reads how a node is run. Without a command it is the binary.
func readRecipeSystem(v value, sys *System) {
	s := v.section(nodeFields()...)
	if sys.Build.Binary != "" {
		sys.Command = []string{sys.Build.Binary}
	}
	readNodeFields(s, sys)
	if sys.Ports["client"] == 0 && v.isMapping() && !s.wrong("ports") {
		s.at("ports").report(`the port "client" is missing`, "say where clients connect: ports: {client: 8080}")
	}
}
