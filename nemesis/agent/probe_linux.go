package agent

import (
	"context"
)

func (a *agent) probe(ctx context.Context, _ Request) (Reply, error) {
	return Reply{Abilities: Abilities(ctx)}, nil
}

func Abilities(ctx context.Context) []Ability { return nil }
