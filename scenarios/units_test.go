package scenarios

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want time.Duration
		says string
	}{
		{"10s", 10 * time.Second, ""},
		{"1m30s", 90 * time.Second, ""},
		{"-250ms", -250 * time.Millisecond, ""},
		{"0s", 0, ""},
		{"1.5h", 90 * time.Minute, ""},
		{"0", 0, "0 has no unit; write 0s for seconds or 0ms for milliseconds"},
		{"2.5", 0, "2.5 has no unit; write 2.5s for seconds or 2.5ms for milliseconds"},
		{"10 seconds", 0, `"10 seconds" is not a duration; write 10s; a duration is numbers with units, as in 10s or 1m30s`},
		{"1 HOUR", 0, `"1 HOUR" is not a duration; write 1h; a duration is numbers with units, as in 10s or 1m30s`},
		{"3d", 0, `"3d" is not a duration; write a number and a unit, as in 10s or 1m30s`},
		{"", 0, `"" is not a duration; write a number and a unit, as in 10s or 1m30s`},
		{"s", 0, `"s" is not a duration; write a number and a unit, as in 10s or 1m30s`},
		{"9999999h", 0, `"9999999h" is not a duration; write a number and a unit, as in 10s or 1m30s`},
	} {
		got, wrong := parseDuration(tt.in)
		checkUnit(t, tt.in, got, wrong, tt.want, tt.says)
	}
}

func TestParseSize(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int64
		says string
	}{
		{"0B", 0, ""},
		{"256MiB", 256 << 20, ""},
		{"1.5GiB", 3 << 29, ""},
		{"4KiB", 4096, ""},
		{"1TiB", 1 << 40, ""},
		{"256", 0, "256 has no unit; write 256MiB, or 256B if bytes are meant"},
		{"256m", 0, `"256m" is not a size; write 256MiB; sizes have the units B, KiB, MiB, GiB and TiB`},
		{"1 gigabyte", 0, `"1 gigabyte" is not a size; write 1GiB; sizes have the units B, KiB, MiB, GiB and TiB`},
		{"5 xyz", 0, `"5 xyz" is not a size; write a number and a unit, as in 256MiB or 1GiB`},
		{"-5MiB", 0, `"-5MiB" is not a size; write a number and a unit, as in 256MiB or 1GiB`},
		{"MiB", 0, `"MiB" is not a size; write a number and a unit, as in 256MiB or 1GiB`},
		{"99999999TiB", 0, `"99999999TiB" is too large`},
	} {
		got, wrong := parseSize(tt.in)
		checkUnit(t, tt.in, got, wrong, tt.want, tt.says)
	}
}

func TestParseRate(t *testing.T) {
	const hint = "; write a number, a slash and s or m, as in 500/s or 30000/m"
	for _, tt := range []struct {
		in   string
		want float64
		says string
	}{
		{"500/s", 500, ""},
		{"0.5/s", 0.5, ""},
		{"30000/m", 500, ""},
		{"500", 0, "500 has no unit; write 500/s"},
		{"500/h", 0, `"500/h" is not a rate` + hint},
		{"500 /s", 0, `"500 /s" is not a rate` + hint},
		{"fast", 0, `"fast" is not a rate` + hint},
		{"inf/s", 0, `"inf/s" is not a rate` + hint},
		{"0x10/s", 0, `"0x10/s" is not a rate` + hint},
		{"1e400/s", 0, `"1e400/s" is not a rate` + hint},
	} {
		got, wrong := parseRate(tt.in)
		checkUnit(t, tt.in, got, wrong, tt.want, tt.says)
	}
}

func checkUnit[T comparable](t *testing.T, in string, got T, wrong *problem, want T, says string) {
	t.Helper()
	said := ""
	if wrong != nil {
		said = wrong.message
		if wrong.hint != "" {
			said += "; " + wrong.hint
		}
	}
	if got != want || said != says {
		t.Errorf("%q: %v, %q; want %v, %q", in, got, said, want, says)
	}
}

// What a duration prints as can be written in a scenario, and short loses
// nothing of it.
func TestDurationsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64().Draw(t, "nanoseconds"))
		for _, text := range []string{d.String(), short(d)} {
			if got, wrong := parseDuration(text); wrong != nil || got != d {
				t.Fatalf("%s became %v, %v", text, got, wrong)
			}
		}
	})
}

func TestSizesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<32).Draw(t, "number")
		for i, unit := range []string{"B", "KiB", "MiB"} {
			if got, wrong := parseSize(fmt.Sprintf("%d%s", n, unit)); wrong != nil || got != n<<(10*i) {
				t.Fatalf("%d%s became %d, %v", n, unit, got, wrong)
			}
		}
	})
}
