package nemesis

import "context"

// ahead does what must be done some time before the injection. Of one that
// waits for a trigger only the earliest moment is known.
func (c *campaign) ahead(ctx context.Context, in Injection) error {
	k, ok := kindOf(in.Fault)
	if !ok || k.ahead == nil {
		return nil
	}
	before, do := k.ahead(in)
	if before == 0 || !pauseFor(ctx, in.At-before-c.Since()) {
		return nil
	}
	doing, cancel := context.WithTimeout(ctx, max(before, verifyAtLeast))
	defer cancel()
	return do(doing, c.Exec)
}
