package invariant

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// bundled are the files of rules that come with us, one rule each.
//
//go:embed bundled/*.star
var bundled embed.FS

// Bundled returns the names of the rules that come with us.
func Bundled() []string {
	entries, err := fs.ReadDir(bundled, "bundled")
	if err != nil {
		return nil // an embedded folder that is there can be read
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".star"))
	}
	return names
}

// BundledSource returns the file of a rule that comes with us, for a user who
// wants to read it or begin with it.
func BundledSource(name string) ([]byte, error) {
	if !slices.Contains(Bundled(), name) {
		return nil, fmt.Errorf("no rule called %q comes with shakedown%s: there are %s", name, suggest(name, Bundled()), quoted(Bundled(), "and"))
	}
	return bundled.ReadFile("bundled/" + name + ".star")
}

// UseBundled returns the rule of that name that comes with us.
func UseBundled(name string) (*Rule, error) {
	src, err := BundledSource(name)
	if err != nil {
		return nil, err
	}
	rules, err := Load(name+".star", src)
	if err != nil {
		return nil, err
	}
	return rules[0], nil
}
