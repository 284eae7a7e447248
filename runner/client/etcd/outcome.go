package etcd

import (
	"errors"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shakedown-dev/shakedown/history"
)

// failed returns how an operation ended that met err, which is not nil.
//
// An operation is Fail only with a reason why it did not happen and never
// will. There are three: it is a read, and changed nothing; it was not sent;
// or the node refused it before it told anybody else. Everything else is Info,
// in particular
//
//   - every end of patience, ours (deadline exceeded, canceled) and etcd's
//     (request timed out, for whatever reason): the proposal may be in a queue,
//     in the log of a leader, or on its way through a network that heals;
//   - a connection that broke, and a server that stopped, with the request
//     under way: gRPC says Unavailable then, as it does for requests that it
//     never sent, so that its code proves nothing;
//   - leader changed: a new leader may have the entry in its log and commit it;
//   - no space: since the applier that enforces the quota first applies the
//     write and then returns the error (quotaApplierV3.Put);
//   - corrupt, and whatever we have not heard of.
func failed(f string, sent bool, err error) (history.Type, string) {
	switch {
	case f == "read":
		return history.Fail, err.Error()
	case !sent:
		return history.Fail, "not sent: " + err.Error()
	case refused(err):
		return history.Fail, err.Error()
	default:
		return history.Info, err.Error()
	}
}

// refused reports whether err says that the node turned a write down before
// it proposed it to the cluster. Read in the sources of 3.4, 3.5, 3.6 and 3.7.
func refused(err error) bool {
	for _, known := range []error{
		// By the interceptors in front of every request.
		rpctypes.ErrNotCapable,
		rpctypes.Error(rpctypes.ErrGRPCNotSupportedForLearner),
		// Likewise, for clients that require a leader. A put or a
		// transaction gets it from nowhere else.
		rpctypes.ErrNoLeader,
		// By the check of the request's form, in v3rpc/key.go.
		rpctypes.ErrEmptyKey,
		rpctypes.ErrValueProvided,
		rpctypes.ErrLeaseProvided,
		rpctypes.ErrTooManyOps,
		rpctypes.ErrDuplicateKey,
		// By processInternalRaftRequestOnce, before it calls Propose.
		rpctypes.ErrTooManyRequests,
		rpctypes.ErrRequestTooLarge,
	} {
		if errors.Is(rpctypes.Error(err), known) {
			return true
		}
	}
	return dropped(err)
}

// dropped reports whether err is raft's ErrProposalDropped, which etcd hands on
// as an error of unknown code. The node's own raft returns it when it has no
// leader to forward to, or is a leader that takes no proposals; the proposal is
// then in no log. That a leader dropped what another node forwarded to it, that
// node never learns: it waits, and its client sees a timeout.
func dropped(err error) bool {
	s, ok := status.FromError(err)
	return ok && s.Code() == codes.Unknown && s.Message() == "raft proposal dropped"
}
