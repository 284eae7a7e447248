package progress

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner"
)

const (
	// MaxLines is how many lines a picture has at most.
	MaxLines = 12
	// shownFaults is how many faults in force have a line of their own.
	shownFaults = 4
	barWidth    = 20
)

// Lines is the picture at a moment of the caller's clock, without newlines.
func (b *Board) Lines(now time.Duration, colour bool) []string {
	p := pen{colour}
	out := []string{b.title(p), b.progress(p, now)}
	if b.phase != "" {
		out = append(out, b.faults(p, now-b.origin)...)
		out = append(out, b.operations(p), b.pace(p), b.nodes(p))
	}
	return append(out, p.dim("Ctrl-C: stop, heal, and judge what there is · twice: leave now"))
}

// A pen writes words in colour, or does not.
type pen struct{ colour bool }

func (p pen) bold(s string) string  { return paint(s, bold, p.colour) }
func (p pen) dim(s string) string   { return paint(s, dim, p.colour) }
func (p pen) hurt(s string) string  { return paint(s, magenta, p.colour) }
func (p pen) warn(s string) string  { return paint(s, yellow, p.colour) }
func (p pen) ok(s string) string    { return paint(s, blue, p.colour) }
func (p pen) label(s string) string { return p.dim(fmt.Sprintf("%-8s", s)) }

func (b *Board) title(p pen) string {
	return fmt.Sprintf("%s  %s ×%d  seed %d  %s", p.bold(b.run.Scenario), oneLine(b.run.System), len(b.run.Nodes), b.run.Seed, p.dim(b.run.ID))
}

// progress is the phase and how far it is, and what comes next.
func (b *Board) progress(p pen, now time.Duration) string {
	if b.phase == "" {
		return strings.TrimRight(fmt.Sprintf("%s %s  %s", p.bold("starting"), seconds(now-b.begun), b.note), " ")
	}
	at := now - b.origin
	i := slices.IndexFunc(b.run.Phases, func(ph runner.PlannedPhase) bool { return ph.Name == b.phase })
	if i < 0 {
		return fmt.Sprintf("%s %s", p.bold(b.phase), seconds(at-b.since))
	}
	ph := b.run.Phases[i]
	line := fmt.Sprintf("%s %s %s/%s", p.bold(ph.Name), bar(at-ph.At, ph.For), seconds(min(at-ph.At, ph.For)), short(ph.For))
	if in, ok := b.next(at); ok {
		line += fmt.Sprintf("   next: %s in %s", planned(in), seconds(in.At-at))
	}
	return line
}

// planned is a fault of the plan in a few words.
func planned(in nemesis.Injection) string {
	whom := in.Target
	if len(in.Nodes) > 0 {
		whom = strings.Join(in.Nodes, " ")
	}
	return strings.Join(strings.Fields(in.Fault+" "+in.Shape+" "+whom), " ")
}

// faults are the lines about the faults in force, oldest first.
func (b *Board) faults(p pen, at time.Duration) []string {
	if len(b.force) == 0 {
		return []string{p.label("faults") + "none in force"}
	}
	var out []string
	shown := len(b.force)
	if shown > shownFaults {
		shown = shownFaults - 1
	}
	for _, f := range b.force[:shown] {
		out = append(out, p.label("fault")+f.line(p, at))
	}
	if more := len(b.force) - shown; more > 0 {
		out = append(out, p.label("")+fmt.Sprintf("and %d more", more))
	}
	return out
}

func (f inForce) line(p pen, at time.Duration) string {
	whom := oneLine(strings.Join(f.step.Nodes, " "))
	if f.step.Role != "" {
		whom += " (" + f.step.Role + ")"
	}
	long := seconds(at - f.from)
	if f.long > 0 {
		long += " of " + short(f.long)
	}
	line := fmt.Sprintf("%s %s  %s  ", p.hurt(f.step.Fault), whom, long)
	switch f.step.Stage {
	case history.StageInForce:
		return line + "seen: " + oneLine(f.step.Evidence)
	case history.StageFailed:
		return line + p.warn("did not work: ") + oneLine(f.step.Error)
	}
	return line + p.dim("not seen in force yet")
}

func (b *Board) operations(p pen) string {
	r := b.reading
	line := fmt.Sprintf("%s%s  %s %s  fail %s  unknown %s", p.label("ops"), grouped(r.OK+r.Fail+r.Unknown), p.ok("ok"), grouped(r.OK), grouped(r.Fail), grouped(r.Unknown))
	if r.Shed > 0 {
		line += fmt.Sprintf("  not sent %s", grouped(r.Shed))
	}
	return line
}

func (b *Board) pace(p pen) string {
	line := fmt.Sprintf("%s%.0f/s %s", p.label("rate"), b.reading.Rate, p.ok(curve(b.rates)))
	if b.reading.P99 > 0 {
		line += fmt.Sprintf("  p50 %s  p99 %s", brief(b.reading.P50), brief(b.reading.P99))
	}
	return line
}

func (b *Board) nodes(p pen) string {
	var words []string
	for _, n := range b.run.Nodes {
		if kinds := b.suffers(n); len(kinds) > 0 {
			words = append(words, n+" "+p.hurt(strings.Join(kinds, "+")))
		} else {
			words = append(words, n+" up")
		}
	}
	line := p.label("nodes") + strings.Join(words, "  ")
	if b.reading.Leader != "" {
		line += "   leader " + p.bold(oneLine(b.reading.Leader))
	}
	return line
}

// bar is how much of a whole is done.
func bar(done, whole time.Duration) string {
	full := barWidth
	if whole > 0 {
		full = int(min(max(done*barWidth/whole, 0), barWidth))
	}
	return "▕" + strings.Repeat("█", full) + strings.Repeat(" ", barWidth-full) + "▏"
}

// curve draws numbers as columns, the highest of them full.
func curve(all []float64) string {
	if len(all) == 0 {
		return ""
	}
	columns := []rune("▁▂▃▄▅▆▇█")
	highest := slices.Max(all)
	var out []rune
	for _, v := range all {
		i := 0
		if highest > 0 {
			i = int(v / highest * float64(len(columns)-1))
		}
		out = append(out, columns[min(max(i, 0), len(columns)-1)])
	}
	return string(out)
}

// seconds is a length of time that passes, in tenths: 3.2s, 1m04.0s.
func seconds(d time.Duration) string {
	d = max(d, 0)
	if d >= time.Minute {
		return fmt.Sprintf("%dm%04.1fs", int(d.Minutes()), (d % time.Minute).Truncate(100*time.Millisecond).Seconds())
	}
	return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
}

// short is a length of time as it was written: 4s, 1m30s.
func short(d time.Duration) string {
	s := d.Round(time.Millisecond).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = strings.TrimSuffix(s, zero[1:])
		}
	}
	return s
}

// brief is a measured length of time, with two digits.
func brief(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= 10*unit {
			return d.Round(unit).String()
		}
		if d >= unit {
			return d.Round(unit / 10).String()
		}
	}
	return d.String()
}

// grouped writes a number in groups of three.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}
