package docker

import (
	"strings"

	"github.com/docker/docker/api/types/filters"
)

// Labels of what this package makes. Containers inherit the labels of their
// image, so an image has a mark of its own: a container that somebody else
// runs from it is not ours.
const (
	labelMark     = "shakedown" // "1" on containers, networks and volumes
	labelRun      = "shakedown.run"
	labelScenario = "shakedown.scenario"
	labelNode     = "shakedown.node"
	labelRole     = "shakedown.role"   // of a container: roleNode or roleAgent
	labelImage    = "shakedown.image"  // "1" on images
	labelBuild    = "shakedown.build"  // of an image: the hash of what it was made from
	labelGo       = "shakedown.go"     // of an image: the toolchain that built it
	labelDebian   = "shakedown.debian" // of an image: the package that it is about
)

// Roles of containers.
const (
	roleNode  = "node"
	roleAgent = "agent"
	roleDisks = "disks" // of a volume
)

// labels are the labels of one thing that belongs to a run.
func labels(run, scenario string, more ...string) map[string]string {
	l := map[string]string{labelMark: "1", labelRun: run, labelScenario: scenario}
	for i := 0; i+1 < len(more); i += 2 {
		l[more[i]] = more[i+1]
	}
	return l
}

// ours selects what bears our mark: of one run, or of all when run is empty.
func ours(run string) filters.Args {
	f := filters.NewArgs(filters.Arg("label", labelMark+"=1"))
	if run != "" {
		f.Add("label", labelRun+"="+run)
	}
	return f
}

// dockerName makes a name that docker accepts out of parts that a user chose.
func dockerName(parts ...string) string {
	keep := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '-':
			return r
		}
		return '-'
	}
	return strings.Map(keep, strings.Join(append([]string{"shakedown"}, parts...), "-"))
}
