package checkers

import "fmt"

// String returns "unknown", "valid" or "violation", the word used in JSON.
func (v Verdict) String() string {
	switch v {
	case Unknown:
		return "unknown"
	case Valid:
		return "valid"
	case Violation:
		return "violation"
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}

// MarshalText returns the word used in JSON, and an error for a number that is
// none of the three verdicts.
func (v Verdict) MarshalText() ([]byte, error) {
	if v > Violation {
		return nil, fmt.Errorf("verdict %d is none of unknown, valid, violation", uint8(v))
	}
	return []byte(v.String()), nil
}

// UnmarshalText accepts exactly the three words of [Verdict.String].
func (v *Verdict) UnmarshalText(text []byte) error {
	for _, known := range []Verdict{Unknown, Valid, Violation} {
		if string(text) == known.String() {
			*v = known
			return nil
		}
	}
	return fmt.Errorf("verdict %q is none of unknown, valid, violation", text)
}

// A Summary is what several checks come to.
type Summary struct {
	Verdict Verdict `json:"verdict"`
	// Results are in the order in which the checks were asked for.
	Results []Result `json:"results"`
}

// summarize lets a violation outrank everything; a pass must be earned by
// every check, and by at least one.
func summarize(results []Result) Summary {
	verdict := Valid
	if len(results) == 0 {
		verdict = Unknown
	}
	for _, r := range results {
		switch {
		case r.Verdict == Violation:
			return Summary{Verdict: Violation, Results: results}
		case r.Verdict != Valid:
			verdict = Unknown
		}
	}
	return Summary{Verdict: verdict, Results: results}
}
