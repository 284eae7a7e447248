package scenarios

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// parsedDisk parses a scenario with one disk fault.
func parsedDisk(t *testing.T, options string) (*Disk, error) {
	t.Helper()
	src := "version: 1\nname: x\nsystem: {use: etcd}\n" +
		"phases: [{name: a, for: 10s, faults: [{at: 1s, for: 1s, fault: disk, " + options + "}]}]\n"
	s, err := Parse("x.yaml", []byte(src), testRecipes(t))
	if err != nil {
		return nil, err
	}
	return s.Phases[0].Faults[0].Disk, nil
}

func TestDiskFaults(t *testing.T) {
	for options, want := range map[string]Disk{
		"kind: power-failure":                          {Kind: "power-failure", Lose: "all"},
		"kind: power-failure, lose: torn, target: all": {Kind: "power-failure", Lose: "torn"},
		"kind: eio, path: '**/wal/*', calls: [sync]":   {Kind: "eio", Path: "**/wal/*", Calls: []string{"sync"}},
		"kind: enospc":                                 {Kind: "enospc"},
		"kind: read-only":                              {Kind: "read-only"},
		"kind: slow, takes: 50ms":                      {Kind: "slow", Delay: 50 * time.Millisecond},
		"kind: full, room: 1MiB":                       {Kind: "full", RoomBytes: 1 << 20},
		"kind: full, target: n1":                       {Kind: "full"},
		"kind: eio, calls: [read]":                     {Kind: "eio", Calls: []string{"read"}},
	} {
		got, err := parsedDisk(t, options)
		if err != nil {
			t.Errorf("%s: %v", options, err)
		} else if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: got %+v, want %+v", options, *got, want)
		}
	}
}

func TestBadDiskFaultsAreReported(t *testing.T) {
	for options, want := range map[string]string{
		"target: one":                        `"kind" is missing`,
		"kind: melt":                         "melt",
		"kind: slow":                         "nothing says how slow",
		"kind: eio, takes: 1s":               "takes belongs to the kind slow",
		"kind: eio, lose: all":               "lose belongs to the kind power-failure",
		"kind: eio, room: 1MiB":              "room belongs to the kind full",
		"kind: power-failure, path: '*.wal'": "path does not belong to the kind power-failure",
		"kind: full, calls: [read]":          "calls does not belong to the kind full",
		"kind: eio, calls: [sing]":           `there is no call "sing"`,
		"kind: eio, path: 'a/[b'":            "no pattern",
		"kind: full, room: 5TiB":             "no full disk",
		"kind: power-failure, lose: some":    "some",
		"kind: slow, takes: 5h":              "5h",
	} {
		_, err := parsedDisk(t, options)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", options, err, want)
		}
	}
	src := "version: 1\nname: x\nsystem: {image: y, nodes: 1, ports: {client: 1}}\nclient: {use: http, operations: {read: {method: GET, path: /}}}\n" +
		"workload: {mix: {read: 1}}\nphases: [{name: a, for: 10s, faults: [{at: 1s, for: 1s, fault: disk, kind: eio}]}]\n"
	if _, err := Parse("x.yaml", []byte(src), testRecipes(t)); err == nil || !strings.Contains(err.Error(), "keeps nothing on a disk") {
		t.Errorf("a system without data: %v", err)
	}
}
