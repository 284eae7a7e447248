package vdso

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The payloads must be what their sources say.
func TestPayloadsAreAssembledFromTheirSources(t *testing.T) {
	for _, c := range []struct {
		arch   architecture
		name   string
		tools  string // prefix of their names
		flags  []string
		labels map[string]uint64
	}{
		{amd64(), "amd64", "", []string{"--64"}, map[string]uint64{
			"clock_gettime": amd64().entries["__vdso_clock_gettime"],
			"gettimeofday":  amd64().entries["__vdso_gettimeofday"],
			"time":          amd64().entries["__vdso_time"], "data": amd64().data,
		}},
		{arm64(), "arm64", "aarch64-linux-gnu-", nil, map[string]uint64{
			"clock_gettime": arm64().entries["__kernel_clock_gettime"],
			"gettimeofday":  arm64().entries["__kernel_gettimeofday"], "data": arm64().data,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			object, raw := filepath.Join(t.TempDir(), "o"), filepath.Join(t.TempDir(), "bin")
			run(t, c.tools+"as", append(c.flags, "payload_"+c.name+".asm", "-o", object)...)
			run(t, c.tools+"objcopy", "-O", "binary", "-j", ".text", object, raw)
			assembled, err := os.ReadFile(raw)
			if err != nil {
				t.Fatal(err)
			}
			if c.arch.payload != string(assembled) {
				t.Errorf("payload_%s.bin is not its source assembled; do what the first lines of that say", c.name)
			}
			names := run(t, c.tools+"nm", object)
			for label, at := range c.labels {
				if want := fmt.Sprintf("%016x t %s\n", at, label); !strings.Contains(names, want) {
					t.Errorf("architecture.go believes in %q; the source has\n%s", want, names)
				}
			}
		})
	}
}

// run runs a program, and skips the test if it is not installed.
func run(t testing.TB, program string, arguments ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		skip(t, "needs %s", program)
	}
	out, err := exec.Command(program, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(arguments, " "), err, out)
	}
	return string(out)
}

func TestPayloadSizes(t *testing.T) {
	for _, a := range []architecture{amd64(), arm64()} {
		if want := int(a.data) + dataSize; len(a.payload) != want {
			t.Errorf("%s: the payload has %d bytes; its layout has %d", a.name, len(a.payload), want)
		}
	}
}

// The arm64 payload shows what [Clock.Off] says, in an emulated processor.
func TestARM64PayloadInEmulation(t *testing.T) {
	program := filepath.Join(t.TempDir(), "arm64")
	run(t, "aarch64-linux-gnu-gcc", "-O1", "-static", "-o", program, "testdata/arm64.c")
	for name, c := range shows(t) {
		t.Run(name, func(t *testing.T) {
			for bank := range uint64(2) {
				data := make([]byte, atBanks, dataSize)
				data[0] = byte(bank)
				other := Clock{Of: 0xff, Offset: -time.Hour, Until: c.Until}.bank()
				banks := [][]byte{c.bank(), other}
				data = append(append(data, banks[bank]...), banks[1-bank]...)
				toldByARM64(t, program, data, c)
			}
		})
	}
}

func toldByARM64(t *testing.T, program string, data []byte, c Clock) {
	t.Helper()
	if _, err := exec.LookPath("qemu-aarch64-static"); err != nil {
		skip(t, "needs qemu-aarch64-static: %v", err)
	}
	a := arm64()
	cmd := exec.Command("qemu-aarch64-static", program, "payload_arm64.bin",
		fmt.Sprint(a.data), fmt.Sprint(a.entries["__kernel_gettimeofday"]))
	cmd.Stdin = strings.NewReader(hex.EncodeToString(data))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the payload crashed: %v: %s", err, out)
	}
	told := 0
	for line := range strings.Lines(string(out)) {
		var name string
		var before, shown, after int64
		if _, err := fmt.Sscan(line, &name, &before, &shown, &after); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if told++; name == "gettimeofday" {
			c.tells(t, name, 0, before, shown, after, time.Microsecond)
			continue
		}
		id := 0
		fmt.Sscan(name, &id)
		c.tells(t, "clock "+name, id, before, shown, after, 0)
	}
	if told != 13 {
		t.Errorf("told %d clocks: %s", told, out)
	}
}

// shows are clocks of every kind, which began long ago so that they are far
// off, and the real one.
func shows(t testing.TB) map[string]Clock {
	now := present(t)
	from := now.In(-100 * time.Second)
	all := map[string]Clock{
		"ahead":                 {Offset: time.Hour},
		"behind":                {Offset: -time.Hour},
		"fast":                  {Rate: PerBillion / 10},
		"slow":                  {Rate: -PerBillion / 10},
		"ten times as fast":     {Rate: 9 * PerBillion},
		"a little fast":         {Rate: 100_000}, // 100 ppm
		"stands still":          {Rate: Still},
		"stands still, ahead":   {Rate: Still, Offset: time.Hour},
		"strobe, even":          {Offset: time.Hour, Other: -time.Hour, Period: 201 * time.Second},
		"strobe, odd":           {Offset: -time.Hour, Other: time.Hour, Period: 99 * time.Second},
		"strobe, of a fast one": {Offset: -time.Hour, Other: time.Hour, Period: 40 * time.Second, Rate: PerBillion / 10},
		"of the monotonic":      {Of: Monotonic, Offset: time.Hour},
		"of all":                {Of: Realtime | Monotonic | Boottime, Offset: time.Hour, Rate: PerBillion / 10},
		"monotonic still":       {Of: Monotonic, Rate: Still, Offset: 200 * time.Second},
		"of boot time":          {Of: Boottime, Offset: time.Minute},
	}
	for name, c := range all {
		if c.Of == 0 {
			c.Of = Realtime
		}
		c.From, c.Until = from, now.In(time.Minute)
		all[name] = c
	}
	// Ended for longer than the coarsest clock lags behind, which is time()'s second.
	all["ended"] = Clock{Of: Realtime | Monotonic | Boottime, Offset: time.Hour, From: from, Until: now.In(-2 * time.Second)}
	all["real"] = Clock{}
	return all
}

// group is which of the four real clocks a clock of the kernel belongs to.
func group(id int) int { return map[int]int{1: 1, 4: 2, 6: 1, 7: 3}[id] }

// tells insists that a clock of the kernel, which really said before and
// after, was told as this Clock shows it. Resolution is what the one who tells
// it leaves off, or lags behind.
func (c Clock) tells(t testing.TB, name string, id int, before, told, after int64, resolution time.Duration) {
	t.Helper()
	low, high := c.shownAt(id, before-int64(resolution)), c.shownAt(id, after)
	if told < min(low, high)-int64(resolution) || told > max(low, high) {
		t.Errorf("%s: told %v, which is off by %v; want between %v and %v", name,
			time.Duration(told), time.Duration(told-before), time.Duration(low), time.Duration(high))
	}
}

func (c Clock) shownAt(id int, real int64) int64 {
	if id > 7 || c.Of&(1<<id) == 0 {
		return real
	}
	c.Of = Realtime // and the readings of the clock that it is about
	g := group(id)
	c.From[0], c.Until[0] = c.From[g], c.Until[g]
	return real + int64(c.Off(Reading{real}))
}

func present(t testing.TB) Reading {
	t.Helper()
	now, err := Now()
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// skip skips a test that this host cannot run; where it must be able to, that
// is a failure.
func skip(t testing.TB, format string, arguments ...any) {
	t.Helper()
	if os.Getenv("SHAKEDOWN_REQUIRE_DOCKER") == "1" {
		t.Fatalf(format, arguments...)
	}
	t.Skipf(format, arguments...)
}
