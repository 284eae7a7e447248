package agent

import (
	"context"
	"fmt"
	"time"
)

// connectionVerbs are the verbs about connections and names of hosts.
func (a *agent) connectionVerbs() map[string]verb {
	onNet := []string{network}
	return map[string]verb{
		ResetConnections:   {do: a.resetConnections, needs: []string{"pairs"}, lanes: onNet},
		RefuseConnections:  {do: a.refuseConnections, needs: []string{"id", "pairs"}, lanes: onNet},
		AllowConnections:   {do: a.allowConnections, needs: []string{"id"}, lanes: onNet},
		RefusedConnections: {do: a.refusedConnections, needs: []string{"id"}, lanes: onNet},
		MissayNames:        {do: a.missayNames, needs: []string{"id", "names"}, lanes: onNet},
		MendNames:          {do: a.mendNames, needs: []string{"id"}, lanes: onNet},
		MissaidNames:       {do: a.missaidNames, needs: []string{"id"}},
	}
}

func (a *agent) resetConnections(ctx context.Context, r Request) (Reply, error) {
	begin := time.Now()
	n, err := a.tcp.Reset(ctx, r.Pairs, r.Ports)
	if err != nil {
		return nobody(err), err
	}
	took := time.Since(begin)
	return Reply{
		Evidence: fmt.Sprintf("%s reset within %v", count(n, "established connection", "established connections"), round(took)),
		Number:   int64(n), Took: took,
	}, nil
}

func (a *agent) refuseConnections(ctx context.Context, r Request) (Reply, error) {
	begin := time.Now()
	c, err := a.tcp.Refuse(ctx, r.ID, r.Pairs, r.Ports)
	if err != nil {
		return nobody(err), err
	}
	took := time.Since(begin)
	return Reply{
		Evidence: fmt.Sprintf("new connections refused within %v, %s of addresses in all read back from the kernel",
			round(took), count(c.Pairs, "pair", "pairs")),
		Took: took,
	}, nil
}

// allowConnections answers with what was refused, for which it is too late to
// ask afterwards.
func (a *agent) allowConnections(ctx context.Context, r Request) (Reply, error) {
	c, was, err := a.tcp.Allow(ctx, r.ID)
	switch {
	case err != nil:
		return Reply{}, err
	case !was:
		return Reply{Evidence: "nothing was refused by it"}, nil
	}
	return Reply{Evidence: sayRefused(c.Refused), Number: int64(c.Refused)}, nil
}

func (a *agent) refusedConnections(ctx context.Context, r Request) (Reply, error) {
	n, err := a.tcp.Refused(ctx, r.ID)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Evidence: sayRefused(n), Number: int64(n)}, nil
}

func sayRefused(n uint64) string {
	return count(int(n), "attempt to connect", "attempts to connect") + " refused"
}
