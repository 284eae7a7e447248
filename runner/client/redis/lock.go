package redis

import (
	"context"
	"encoding/json"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
)

// acquireScript takes a lock that nobody has, for a while, and returns the next
// token; 0 if somebody has it.
const acquireScript = `
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
return redis.call('INCR', KEYS[2])`

// renewScript makes a lock last on, if it still is that of the holder.
const renewScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`

// releaseScript gives a lock back, if it still is that of the holder.
const releaseScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

// guardedScript writes under a token, unless a later one was there.
const guardedScript = `
if tonumber(redis.call('GET', KEYS[1]) or '0') > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1`

// acquire takes a lock as many a program does: a key that expires, and that the
// holder renews while it needs it. It believes in it until it gives it back, and
// does not look whether the renewals arrive. The answer is the fencing token.
func (s *store) acquire(lease time.Duration) client.Task {
	return func(ctx context.Context, op history.Op) (json.RawMessage, error) {
		token, err := s.script(ctx, acquireScript, []string{op.Key, op.Key + ".token"}, string(op.Value), lease.Milliseconds())
		if err != nil {
			return nil, err
		}
		if token == 0 {
			return nil, client.Refused("somebody holds it")
		}
		s.renew(op.Key, string(op.Value), lease)
		return encode(token)
	}
}

// renew makes the lock last until the client is closed, or gives it back.
func (s *store) renew(key, holder string, lease time.Duration) {
	to := s.own
	if s.primary != nil {
		to = s.primary
	}
	conn := dialAddress(to.Options().Addr) // its own, not to get into an operation's way
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer closeQuietly(conn)
		tick := time.NewTicker(lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			once, done := context.WithTimeout(ctx, lease/3)
			_ = conn.Eval(once, renewScript, []string{key}, holder, lease.Milliseconds()).Err() // nobody looks; see acquire
			done()
		}
	}()
	s.endRenewal()
	s.endRenewal = func() { cancel(); <-ended }
}

// release gives a lock back. That it has passed to somebody else meanwhile is
// fine with who does not want it any more.
func (s *store) release(ctx context.Context, op history.Op) (json.RawMessage, error) {
	s.endRenewal()
	_, err := s.script(ctx, releaseScript, []string{op.Key}, string(op.Value))
	return nil, err
}

// guarded writes what the lock guards, under the token of its holder. If it is
// fenced, it takes no token that is smaller than the last.
func (s *store) guarded(fenced bool) client.Task {
	return func(ctx context.Context, op history.Op) (json.RawMessage, error) {
		key := op.Key + ".guarded"
		if !fenced {
			return nil, s.change(ctx, func(to *link) error { return to.Set(ctx, key, string(op.Value), 0).Err() })
		}
		did, err := s.script(ctx, guardedScript, []string{key}, string(op.Value))
		if err == nil && did == 0 {
			return nil, client.Refused("fenced off: a later token was there")
		}
		return nil, err
	}
}
