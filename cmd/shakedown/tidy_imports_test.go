package main

import (
	"path"
	"slices"
	"strings"
)

const module = "github.com/shakedown-dev/shakedown"

// importable says which folders of ours and which modules of others the code
// of a folder may import, beside its own folder and the standard library. A
// longer prefix replaces a shorter one.
func importable() map[string][]string {
	return map[string][]string{
		"history":            {},
		"scenarios":          {"gopkg.in/yaml.v3"},
		"nemesis":            {"history"},
		"nemesis/agent":      {"history", "github.com/google/nftables", "github.com/mdlayher/netlink", "github.com/vishvananda/netlink", "github.com/vishvananda/netns", "golang.org/x/net", "golang.org/x/sync", "golang.org/x/sys"},
		"nemesis/agent/disk": {"github.com/hanwen/go-fuse", "golang.org/x/sys"},
		"checkers":           {"history", "github.com/anishathalye/porcupine"},
		"checkers/invariant": {"history", "checkers", "go.starlark.net"},
		"runner":             {"history", "nemesis", "scenarios", "golang.org/x/sync"},
		"runner/ssh/":        {"history", "nemesis", "golang.org/x", "github.com/kevinburke/ssh_config"},
		"runner/client/":     {"history", "nemesis", "scenarios", "golang.org/x", "go.etcd.io/etcd", "go.uber.org/zap", "google.golang.org/grpc", "github.com/redis/go-redis", "github.com/jackc/pgx"},
		"docker":             {"nemesis", "github.com/docker/docker", "github.com/docker/go-connections", "github.com/containerd/errdefs", "golang.org/x"},
		"docker/images/":     {},
		"cmd":                {"history", "scenarios", "nemesis", "checkers", "runner", "docker", "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x"},
	}
}

// importTable is the table of the design. Test files may import modules of
// others freely, but not folders of ours that their package may not.
func importTable(f goFile) (out []complaint) {
	allowed, known := allowedFor(f.path)
	if !known {
		return []complaint{{1, "the import table has no line for this folder"}}
	}
	for _, spec := range f.ast.Imports {
		imported := strings.Trim(spec.Path.Value, `"`)
		ours, isOurs := strings.CutPrefix(imported, module+"/")
		switch {
		case !strings.Contains(strings.SplitN(imported, "/", 2)[0], "."): // std
		case isOurs && within(ours, f.folder()):
		case !isOurs && f.test():
		case isOurs && slices.ContainsFunc(allowed, func(a string) bool { return within(ours, a) }):
		case !isOurs && slices.ContainsFunc(allowed, func(a string) bool { return within(imported, a) }):
		default:
			out = append(out, complaint{f.line(spec.Pos()), path.Dir(f.path) + " may not import " + imported})
		}
	}
	return out
}

// allowedFor finds the line of the table with the longest prefix.
func allowedFor(file string) (allowed []string, known bool) {
	best := -1
	for prefix, list := range importable() {
		if within(file, strings.TrimSuffix(prefix, "/")) && len(prefix) > best && strings.HasPrefix(file, prefix) {
			allowed, known, best = list, true, len(prefix)
		}
	}
	return allowed, known
}

// within reports whether p is dir or below it.
func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }
