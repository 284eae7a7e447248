package scenarios

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A problem is a finding without its place.
type problem struct{ message, hint string }

// parseDuration reads "10s", "1m30s", "-250ms".
func parseDuration(s string) (time.Duration, *problem) {
	if d, err := time.ParseDuration(s); err == nil && !isNumber(s) {
		return d, nil
	}
	if isNumber(s) {
		return 0, &problem{fmt.Sprintf("%s has no unit", s), fmt.Sprintf("write %ss for seconds or %sms for milliseconds", s, s)}
	}
	number, unit := splitUnit(s)
	if short, ok := durationUnits()[strings.ToLower(unit)]; ok && isNumber(number) && number+short != s {
		return 0, &problem{fmt.Sprintf("%q is not a duration", s),
			fmt.Sprintf("write %s%s; a duration is numbers with units, as in 10s or 1m30s", number, short)}
	}
	return 0, &problem{fmt.Sprintf("%q is not a duration", s), "write a number and a unit, as in 10s or 1m30s"}
}

// durationUnits are the ways in which people write units that we don't read,
// and what we read instead.
func durationUnits() map[string]string {
	return map[string]string{
		"s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
		"m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
		"h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
		"ms": "ms", "msec": "ms", "milli": "ms", "millis": "ms", "millisecond": "ms", "milliseconds": "ms",
	}
}

// parseSize reads "256MiB": bytes, with B, KiB, MiB, GiB or TiB.
func parseSize(s string) (int64, *problem) {
	const hint = "write a number and a unit, as in 256MiB or 1GiB"
	if isNumber(s) {
		return 0, &problem{fmt.Sprintf("%s has no unit", s), fmt.Sprintf("write %sMiB, or %sB if bytes are meant", s, s)}
	}
	number, unit := splitUnit(s)
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !isNumber(number) || n < 0 {
		return 0, &problem{fmt.Sprintf("%q is not a size", s), hint}
	}
	scale, ok := map[string]float64{"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}[unit]
	if !ok {
		return 0, &problem{fmt.Sprintf("%q is not a size", s), sizeHint(number, unit, hint)}
	}
	if n*scale > math.MaxInt64/2 {
		return 0, &problem{fmt.Sprintf("%q is too large", s), ""}
	}
	return int64(n * scale), nil
}

// sizeHint guesses which unit was meant by its first letter.
func sizeHint(number, unit, otherwise string) string {
	if unit == "" || len(unit) > 9 {
		return otherwise
	}
	first := strings.ToUpper(unit[:1])
	if !strings.Contains("KMGT", first) {
		return otherwise
	}
	return fmt.Sprintf("write %s%siB; sizes have the units B, KiB, MiB, GiB and TiB", number, first)
}

// parseRate reads "500/s" or "30000/m" and returns it per second.
func parseRate(s string) (float64, *problem) {
	const hint = "write a number, a slash and s or m, as in 500/s or 30000/m"
	if isNumber(s) {
		return 0, &problem{fmt.Sprintf("%s has no unit", s), fmt.Sprintf("write %s/s", s)}
	}
	number, unit, _ := strings.Cut(s, "/")
	n, err := strconv.ParseFloat(number, 64)
	per, ok := map[string]float64{"s": 1, "m": 60}[unit]
	if err != nil || !ok || !isNumber(number) {
		return 0, &problem{fmt.Sprintf("%q is not a rate", s), hint}
	}
	return n / per, nil
}

// parseBandwidth reads "1MiB/s" and returns it in bytes a second.
func parseBandwidth(s string) (int64, *problem) {
	const hint = "write a size, a slash and s, as in 1MiB/s"
	size, perSecond := strings.CutSuffix(s, "/s")
	if !perSecond {
		return 0, &problem{fmt.Sprintf("%q is not a rate of bytes", s), hint}
	}
	n, wrong := parseSize(size)
	switch {
	case wrong != nil:
		return 0, &problem{fmt.Sprintf("%q is not a rate of bytes", s), hint}
	case n < minBandwidth:
		return 0, &problem{fmt.Sprintf("%q is too little", s), "at least 1KiB/s; a partition lets nothing through"}
	}
	return n, nil
}

// minBandwidth is the least that is still a slow network and not none.
const minBandwidth = 1 << 10

// parseShare reads "5%" or "0.1%" as a share from 0 to 1.
func parseShare(s string) (float64, *problem) {
	number, percent := strings.CutSuffix(s, "%")
	if !percent {
		if isNumber(s) {
			return 0, &problem{fmt.Sprintf("%s has no unit", s), fmt.Sprintf("write %s%%", s)}
		}
		return 0, &problem{fmt.Sprintf("%q is not a share", s), "write a number and a percent sign, as in 5% or 0.1%"}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	switch {
	case err != nil || !isNumber(strings.TrimSpace(number)):
		return 0, &problem{fmt.Sprintf("%q is not a share", s), "write a number and a percent sign, as in 5% or 0.1%"}
	case n < 0 || n > 100:
		return 0, &problem{fmt.Sprintf("%s is out of range", s), "from 0% to 100%"}
	}
	return n / 100, nil
}

// splitUnit parts a number from the word after it: "10 seconds", "256MB".
func splitUnit(s string) (number, unit string) {
	end := strings.IndexFunc(s, func(c rune) bool { return !unicode.IsDigit(c) && c != '.' && c != '-' && c != '+' })
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimSpace(s[end:])
}

// isNumber says whether s is digits, perhaps with a sign and a point: what
// people write, not all that ParseFloat reads.
func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && strings.Trim(s, "0123456789.+-") == ""
}
