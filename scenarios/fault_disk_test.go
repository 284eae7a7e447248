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
		"kind: bit-flip":                               {Kind: "bit-flip"},
		"kind: bit-flip, path: '*.wal', bits: 8, files: 2, restore: true": {Kind: "bit-flip", Path: "*.wal", Bits: 8, Files: 2, Restore: true},
		"kind: truncate, cut: 4KiB":                                       {Kind: "truncate", CutBytes: 4096},
		"kind: old-copy, age: 500ms, path: 'etcd/**'":                     {Kind: "old-copy", Age: 500 * time.Millisecond, Path: "etcd/**"},
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
		"kind: eio, takes: 1s":               "takes does not belong to the kind eio: it is for slow",
		"kind: eio, lose: all":               "lose does not belong to the kind eio",
		"kind: eio, room: 1MiB":              "room does not belong to the kind eio",
		"kind: power-failure, path: '*.wal'": "path does not belong to the kind power-failure",
		"kind: full, calls: [read]":          "calls does not belong to the kind full",
		"kind: eio, calls: [sing]":           `there is no call "sing"`,
		"kind: eio, path: 'a/[b'":            "no pattern",
		"kind: full, room: 5TiB":             "no full disk",
		"kind: power-failure, lose: some":    "some",
		"kind: slow, takes: 5h":              "5h",
		"kind: old-copy":                     "nothing says how old",
		"kind: eio, bits: 3":                 "it is for bit-flip",
		"kind: power-failure, restore: true": "restore does not belong",
		"kind: bit-flip, bits: 0":            "out of range",
		"kind: truncate, age: 3s":            "it is for old-copy",
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
