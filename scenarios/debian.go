package scenarios

import (
	"path"
	"strings"
)

// Kinds of builds.
const (
	kindGo     = "go"
	kindDebian = "debian"
)

// checkKind sees that what is given belongs to the kind of build.
func checkKind(s section, kind string) {
	foreign := map[string][]string{kindGo: {"packages", "without", "files"}, kindDebian: {"source"}}
	for _, key := range foreign[kind] {
		if s.has(key) {
			s.at(key).reportf("leave it out, or write another kind", "%s does not belong to kind: %s", key, kind)
		}
	}
	if kind == kindDebian {
		s.need("packages", "say which packages: packages: [redis-server]")
	}
}

// readPackages reads what an image made of Debian's packages has.
func readPackages(s section, out *Build) {
	read(s, "packages", &out.Packages, func(v value) ([]string, bool) { return v.packages("version") })
	read(s, "without", &out.Without, func(v value) ([]string, bool) { return v.packages() })
	files, ok := s.fields["files"]
	if !ok {
		return
	}
	pairs, _ := files.pairs("a mapping of places in the image to files beside the recipe")
	out.Files = map[string]string{}
	for _, p := range pairs {
		place, good := p.key.location()
		name, also := p.value.text()
		if also && path.Base(name) != name {
			p.value.reportf("write as in start.sh", "%q is not a file beside the recipe", name)
		}
		if good && also {
			out.Files[place] = name
		}
	}
}

// packages are names of packages, or patterns of them when no placeholder is
// known.
func (v value) packages(placeholders ...string) ([]string, bool) {
	items, ok := v.items("packages")
	if ok && len(items) == 0 {
		v.report("the list of packages is empty", "write as in [redis-server]")
		return nil, false
	}
	allowed := "abcdefghijklmnopqrstuvwxyz0123456789+.-"
	if len(placeholders) == 0 {
		allowed += "*"
	}
	var out []string
	for _, item := range items {
		s, good := item.text()
		good = good && item.onlyPlaceholders(s, placeholders)
		if good && strings.Trim(strings.ReplaceAll(s, "{version}", ""), allowed) != "" {
			item.reportf("write as in redis-server", "%q is not the name of a package", s)
			good = false
		}
		out, ok = append(out, s), ok && good
	}
	return out, ok
}

// checkPackages reads the default version, which every recipe of this kind has.
func checkPackages(s section, r *Recipe) {
	if s.has("lines") {
		s.at("lines").report("packages have no lines of versions", "leave it out, there is the version that Debian has")
	}
	if s.need("default", `say which version its packages are, as in default: "7.0"`) {
		s.version("default", &r.Default)
	}
}
