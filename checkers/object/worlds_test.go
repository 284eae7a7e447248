package object

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// A world is a small correct server, quick enough for a million operations: ask
// makes up what a client wants next of an object, and do does it, at once and
// alone, so that all its histories are valid.
type world struct {
	ask func(rng *rand.Rand, c caller) (f, value string)
	// do returns the answer, "" if there is none; false if it was refused.
	do func(c caller, f, value string) (string, bool)
	// forgets are the operations of which some have unknown outcomes; mostly
	// says that these nevertheless happen, at once, and not half of them, late.
	forgets string
	mostly  bool
	// keys is how many objects there are; with own, a client has to do with one only.
	keys int
	own  bool
}

// A caller is who calls which object when.
type caller struct {
	client, key int
	now         time.Duration
}

// A call that is open, and what came of it so far.
type pending struct {
	caller
	process        int
	f, value       string
	answer         string
	open, happened bool
	refused        bool
}

// play lets clients call a world, until there are n operations.
func play(w world, n, clients int, seed uint64) *history.History {
	rng := rand.New(rand.NewPCG(seed, 93))
	all, late := make([]pending, clients), []pending(nil)
	for i := range all {
		all[i] = pending{caller: caller{client: i}, process: i}
	}
	ops := make([]history.Op, 0, 2*n)
	event := func(p *pending, typ history.Type, value string) {
		op := history.Op{Index: len(ops), Time: time.Duration(len(ops)) * time.Microsecond, Process: p.process, Type: typ, F: p.f,
			Key: "k" + strconv.Itoa(p.key), Node: "n" + strconv.Itoa(1+p.client%3)}
		if value != "" {
			op.Value = json.RawMessage(value)
		}
		ops = append(ops, op)
	}
	happen := func(p *pending) {
		p.now = time.Duration(len(ops)) * time.Microsecond
		answer, did := w.do(p.caller, p.f, p.value)
		p.answer, p.refused, p.happened = answer, !did, true
	}
	for begun, busy := 0, 0; begun < n || busy > 0; {
		p := &all[rng.IntN(clients)]
		switch {
		case !p.open && begun == n:
		case !p.open:
			p.key, p.happened = rng.IntN(w.keys), false
			if w.own {
				p.key = p.client % w.keys
			}
			if p.f, p.value = w.ask(rng, p.caller); p.f == "" {
				break
			}
			p.open, begun, busy = true, begun+1, busy+1
			event(p, history.Invoke, p.value)
		case !p.happened && rng.IntN(50) == 0 && strings.Contains(w.forgets, p.f):
			if w.mostly {
				happen(p)
			} else if rng.IntN(2) == 0 {
				late = append(late, *p)
			}
			event(p, history.Info, "")
			p.open, p.process, busy = false, p.process+clients, busy-1
		case !p.happened:
			happen(p)
		default:
			typ, value := history.OK, p.answer
			if p.refused {
				typ, value = history.Fail, p.value
			}
			event(p, typ, value)
			p.open, busy = false, busy-1
		}
		if len(late) > 0 && rng.IntN(2*clients) == 0 {
			i := rng.IntN(len(late))
			happen(&late[i])
			late = slices.Delete(late, i, i+1)
		}
	}
	return history.New(ops)
}

// fresh returns the next number.
func fresh(last *int) string {
	*last++
	return strconv.Itoa(*last)
}

const nobody = -1

// lockWorld is a lock that says no when it is taken; after ttl it is free by itself.
func lockWorld(ttl time.Duration) world {
	type held struct {
		by    int
		since time.Duration
	}
	holders := make([]held, 4)
	for i := range holders {
		holders[i].by = nobody
	}
	return world{
		keys: len(holders), own: true, forgets: "release", mostly: true,
		ask: func(_ *rand.Rand, c caller) (string, string) {
			if holders[c.key].by == c.client {
				return "release", ""
			}
			return "acquire", ""
		},
		do: func(c caller, f, _ string) (string, bool) {
			h := &holders[c.key]
			over := ttl > 0 && c.now >= h.since+ttl
			switch {
			case f == "release" && h.by == c.client:
				h.by = nobody
			case f == "release" && ttl == 0, f == "acquire" && h.by != nobody && !over:
				return "", false
			case f == "acquire":
				*h = held{c.client, c.now}
			}
			return "", true
		},
	}
}

// fencingWorld gives out tokens, and takes no write under an old one.
func fencingWorld() world {
	given, written, mine := make([]int, 4), make([]int, 4), map[[2]int]int{}
	return world{
		keys: 4, forgets: "acquire", mostly: true,
		ask: func(rng *rand.Rand, c caller) (string, string) {
			token := mine[[2]int{c.client, c.key}]
			if token == 0 || rng.IntN(3) == 0 {
				return "acquire", ""
			}
			return "write", strconv.Itoa(token)
		},
		do: func(c caller, f, value string) (string, bool) {
			if f == "acquire" {
				answer := fresh(&given[c.key])
				mine[[2]int{c.client, c.key}] = given[c.key]
				return answer, true
			}
			token, _ := strconv.Atoi(value)
			if token < written[c.key] {
				return "", false
			}
			written[c.key] = token
			return value, true
		},
	}
}

func semaphoreWorld(permits int) world {
	free, mine := []int{permits, permits, permits, permits}, map[[2]int]int{}
	return world{
		keys: len(free), own: true, forgets: "release", mostly: true,
		ask: func(_ *rand.Rand, c caller) (string, string) {
			if mine[[2]int{c.client, c.key}] > 0 {
				return "release", ""
			}
			return "acquire", ""
		},
		do: func(c caller, f, _ string) (string, bool) {
			switch {
			case f == "release":
				mine[[2]int{c.client, c.key}]--
				free[c.key]++
				return "true", true
			case free[c.key] == 0:
				return "false", true
			}
			mine[[2]int{c.client, c.key}]++
			free[c.key]--
			return "true", true
		},
	}
}

// A bin is what values are put into and taken out of; front says which is next.
type bin struct {
	put, take []string // names of the operations
	most      int
	front     func(rng *rand.Rand, held []int, take string) int
	back      func(held []int, put string, value int) []int
}

// world of bins that are never found empty, and hold only a few dozen values.
func (b bin) world() world {
	held, next, rng := make([][]int, 4), 0, rand.New(rand.NewPCG(5, 5))
	return world{
		keys: len(held), forgets: strings.Join(b.put, " "),
		ask: func(rng *rand.Rand, c caller) (string, string) {
			if rng.IntN(b.most) >= len(held[c.key])+b.most/4 {
				next++
				// Values of a priority queue come in no order.
				return b.put[rng.IntN(len(b.put))], strconv.Itoa((next * 7919) % 15485863)
			}
			return b.take[rng.IntN(len(b.take))], ""
		},
		do: func(c caller, f, value string) (string, bool) {
			h := &held[c.key]
			if n, err := strconv.Atoi(value); err == nil {
				*h = b.back(*h, f, n)
				return value, true
			}
			if len(*h) == 0 {
				return "", false
			}
			at := b.front(rng, *h, f)
			answer := strconv.Itoa((*h)[at])
			*h = slices.Delete(*h, at, at+1)
			return answer, true
		},
	}
}

func atEnd(held []int, _ string, value int) []int { return append(held, value) }

func queueWorld() world {
	return bin{put: []string{"enqueue"}, take: []string{"dequeue"}, most: 64, back: atEnd,
		front: func(*rand.Rand, []int, string) int { return 0 }}.world()
}

func stackWorld() world {
	return bin{put: []string{"push"}, take: []string{"pop"}, most: 64, back: atEnd,
		front: func(_ *rand.Rand, held []int, _ string) int { return len(held) - 1 }}.world()
}

func priorityWorld() world {
	return bin{put: []string{"insert"}, take: []string{"poll"}, most: 64, back: atEnd,
		front: func(_ *rand.Rand, held []int, _ string) int { return slices.Index(held, slices.Max(held)) }}.world()
}

func bagWorld() world {
	return bin{put: []string{"enqueue"}, take: []string{"dequeue"}, most: 64, back: atEnd,
		front: func(rng *rand.Rand, held []int, _ string) int { return rng.IntN(len(held)) }}.world()
}

func dequeWorld() world {
	b := bin{put: []string{"push_front", "push_back"}, take: []string{"pop_front", "pop_back"}, most: 8,
		back: func(held []int, put string, value int) []int {
			if put == "push_front" {
				return append([]int{value}, held...)
			}
			return append(held, value)
		},
		front: func(_ *rand.Rand, held []int, take string) int {
			if take == "pop_front" {
				return 0
			}
			return len(held) - 1
		}}
	w := b.world()
	w.mostly = true
	return w
}

// memberWorld is sets of which each element is added once and removed once.
func memberWorld() world {
	in, gone, next := map[int]bool{}, map[int]bool{}, 0
	return world{
		keys: 1, forgets: "add",
		ask: func(rng *rand.Rand, _ caller) (string, string) {
			recent := max(1, next-rng.IntN(20))
			switch n := rng.IntN(10); {
			case n < 3:
				return "add", fresh(&next)
			case n < 5 && !gone[recent]:
				gone[recent] = true
				return "remove", strconv.Itoa(recent)
			}
			return "contains", strconv.Itoa(recent)
		},
		do: func(_ caller, f, value string) (string, bool) {
			n, _ := strconv.Atoi(value)
			there := in[n]
			switch f {
			case "add":
				in[n] = true
				return value, true
			case "remove":
				delete(in, n)
			}
			return fmt.Sprintf("[%d,%t]", n, there), true
		},
	}
}

// wholeWorld is a set or a log that grows and is read as a whole, seldom.
func wholeWorld(add string, operations int) world {
	var all []byte
	next := 0
	return world{
		keys: 1, forgets: add,
		ask: func(rng *rand.Rand, _ caller) (string, string) {
			if rng.IntN(max(10, operations/20)) == 0 {
				return "read", ""
			}
			return add, fresh(&next)
		},
		do: func(_ caller, f, value string) (string, bool) {
			if f == "read" {
				return "[" + string(all) + "]", true
			}
			if len(all) > 0 {
				all = append(all, ',')
			}
			all = append(all, value...)
			return value, true
		},
	}
}

func counterWorld() world {
	at := make([]int, 4)
	return world{
		keys: len(at), forgets: "add",
		ask: func(rng *rand.Rand, _ caller) (string, string) {
			return []string{"add", "add", "fetch-add", "read"}[rng.IntN(4)], "3"
		},
		do: func(c caller, f, value string) (string, bool) {
			if f != "read" {
				at[c.key] += 3
			}
			if f == "add" {
				return value, true
			}
			return strconv.Itoa(at[c.key]), true
		},
	}
}

// kvWorld is a map whose values are written once; deletes also says that keys go.
func kvWorld(deletes bool) world {
	held, next := make([]string, 4), 0
	for i := range held {
		held[i] = null
	}
	return world{
		keys: len(held), forgets: "put cas",
		ask: func(rng *rand.Rand, c caller) (string, string) {
			switch n := rng.IntN(20); {
			case n < 10:
				return "get", ""
			case n < 14:
				return "put", fresh(&next)
			case n < 19 || !deletes:
				return "cas", "[" + held[c.key] + "," + fresh(&next) + "]"
			}
			return "delete", ""
		},
		do: func(c caller, f, value string) (string, bool) {
			h := &held[c.key]
			switch f {
			case "get":
				return *h, true
			case "put":
				*h = value
			case "delete":
				*h = null
			case "cas":
				old, new, _ := strings.Cut(strings.Trim(value, "[]"), ",")
				if *h != old {
					return "", false
				}
				*h = new
			}
			return value, true
		},
	}
}

// registersWorld is three registers that are read and written together.
func registersWorld() world {
	held, next := map[string]string{}, 0
	names := []string{"a", "b", "c"}
	return world{
		keys: 1, forgets: "txn", mostly: true,
		ask: func(rng *rand.Rand, _ caller) (string, string) {
			at := rng.Perm(len(names))[:2]
			if rng.IntN(2) == 0 {
				return "txn", fmt.Sprintf(`[["r",%q,null],["r",%q,null]]`, names[at[0]], names[at[1]])
			}
			return "txn", fmt.Sprintf(`[["r",%q,null],["w",%q,%s]]`, names[at[0]], names[at[1]], fresh(&next))
		},
		do: func(_ caller, _, value string) (string, bool) {
			var mops [][3]json.RawMessage
			if err := json.Unmarshal([]byte(value), &mops); err != nil {
				return "", false
			}
			for i, m := range mops {
				key := string(m[1])
				if string(m[0]) == `"w"` {
					held[key] = string(m[2])
				} else if now, written := held[key]; written {
					mops[i][2] = json.RawMessage(now)
				}
			}
			answer, err := json.Marshal(mops)
			return string(answer), err == nil
		},
	}
}
