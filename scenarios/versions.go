package scenarios

import (
	"maps"
	"slices"
)

// readVersions reads which nodes begin with another version.
func readVersions(s section, sys *System, recipe *Recipe) {
	v, ok := s.fields["versions"]
	if !ok {
		return
	}
	pairs, _ := v.pairs("a mapping of nodes to versions")
	for _, p := range pairs {
		checkNode(p.key, p.key.node.Value, sys.Nodes)
		if version, good := p.value.alternative(sys, recipe); good {
			if sys.Versions == nil {
				sys.Versions = map[string]string{}
			}
			sys.Versions[p.key.node.Value] = version
		}
	}
}

// alternative is a version that some nodes run, or, for a system without a
// recipe, an image. How it is made is added to the system.
func (v value) alternative(sys *System, recipe *Recipe) (string, bool) {
	var build *Build
	var name string
	var ok bool
	if recipe == nil {
		name, ok = v.image()
	} else if name, ok = v.version(); ok {
		build, ok = v.buildOf(name, recipe)
	}
	if !ok {
		return "", false
	}
	if sys.Builds == nil {
		sys.Builds = map[string]*Build{}
	}
	sys.Builds[name] = build
	return name, true
}

// buildOf says how a version of a recipe's system is made.
func (v value) buildOf(version string, recipe *Recipe) (*Build, bool) {
	switch {
	case recipe.System.Build.Kind == kindDebian:
		v.reportf("leave it out", "%s has one version, which this machine's Debian has", recipe.Name)
		return nil, false
	case len(recipe.Lines) == 0:
		v.reportf("leave it out", "%s has no versions", recipe.Name)
		return nil, false
	}
	build, wrong := recipe.build(version)
	if wrong != nil {
		v.report(wrong.message, wrong.hint)
		return nil, false
	}
	return build, true
}

// VersionNames are the versions of which images are needed besides Version, in
// order.
func (s System) VersionNames() []string { return slices.Sorted(maps.Keys(s.Builds)) }
