package scenarios

import "fmt"

// Starter is a scenario to begin with, for a system that a recipe knows, with a
// comment on everything that one will want to change.
func Starter(name, system string, r *Recipe) []byte {
	version := ""
	if r.Default != "" {
		version = fmt.Sprintf("  version: %q\n", r.Default)
	}
	return fmt.Appendf(nil, `# yaml-language-server: $schema=./scenario.schema.json
# A scenario to begin with. "shakedown validate" finds mistakes in it,
# "shakedown plan" shows what it would do, "shakedown explain FIELD" what a field means.
version: 1
name: %s
about: >
  Say what this tests and why, for whoever reads the report.

system:
  use: %s                   # shakedown list systems; or image: and command: for one of your own
%s  nodes: 5
%s`, nameFrom(name), system, version, StarterStorm(defaultNodes))
}

// StarterStorm is the part of a first scenario that is the same for all systems
// of so many nodes.
func StarterStorm(nodes int) string {
	faults := `      - {fault: partition, shape: any, every: 12s, for: 6s}
      - {fault: kill, target: minority, every: 15s, for: 4s}
`
	if nodes < 3 { // there is nobody to be cut off from, and no minority
		faults = `      - {fault: kill, target: one, every: 15s, for: 4s}
`
	}
	return `
workload:
  use: register             # reads, writes and compare-and-sets on independent keys
  clients: 10               # each stays with its node
  keys: 8
  rate: 200/s               # over all clients; leave it out for as fast as answers come
  mix: {read: 50, write: 50}
  timeout: 1s               # a later answer does not count: the result is unknown

phases:
  - name: calm              # a baseline to compare with
    for: 5s
  - name: storm
    for: 40s
    faults:                 # shakedown list faults; each is healed after "for", and must be seen to bite
` + faults + `      - {fault: pause, target: one, every: 10s, for: 3s}

checks:                     # shakedown list checks
  - {check: linearizable, model: register}
  - {check: recovery, within: 15s}
  - {check: logs, forbid: ["panic:"]}

# never:                    # what must never happen, in your own words and rules
#   - name: acknowledged-write-lost
#     says: A write that was acknowledged is never absent from every later read.
#     origin: postmortem 2026-03
#     spec: invariants.star

earned: {ok_at_least: 500, every_fault_took_hold: true}   # else a pass is only "unknown"
expect: valid               # or violation, for a version known to be broken
`
}
