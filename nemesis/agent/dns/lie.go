package dns

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// The answers that a question gets.
const (
	None     = "none"     // none at all
	Servfail = "servfail" // that the server failed
	NXDomain = "nxdomain" // that there is no such name
	Wrong    = "wrong"    // addresses that are not those of the name
)

// ttl is how many seconds our answers may be kept: none outlives its fault by
// much.
const ttl = 1

// A Lie is how questions are answered.
type Lie struct {
	// Answer is None, Servfail, NXDomain or Wrong.
	Answer string
	// Names are patterns, as of [path.Match], of the names that it is about,
	// without the last dot; none: all.
	Names []string
	// Addresses are the wrong ones.
	Addresses []netip.Addr
}

// check returns an error for a lie that cannot be told.
func (l Lie) check() error {
	switch l.Answer {
	case None, Servfail, NXDomain:
		if len(l.Addresses) > 0 {
			return fmt.Errorf("the answer %q has no addresses", l.Answer)
		}
	case Wrong:
		if len(l.Addresses) == 0 {
			return fmt.Errorf("the answer %q needs an address", l.Answer)
		}
	default:
		return fmt.Errorf("there is no answer %q; it can be %s, %s, %s or %s", l.Answer, None, Servfail, NXDomain, Wrong)
	}
	for _, name := range l.Names {
		if _, err := path.Match(name, ""); err != nil {
			return fmt.Errorf("%q is not a pattern of names: %w", name, err)
		}
	}
	return nil
}

// concerns reports whether a question is about one of the names. Case does not
// matter in names.
func (l Lie) concerns(q dnsmessage.Question) bool {
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	return len(l.Names) == 0 || slices.ContainsFunc(l.Names, func(p string) bool {
		ok, err := path.Match(strings.ToLower(strings.TrimSuffix(p, ".")), name)
		return ok && err == nil
	})
}

// A query is a message that asks.
type query struct {
	dnsmessage.Header
	dnsmessage.Question
}

// parseQuery reads a message; it is not ok if it does not ask anything.
func parseQuery(b []byte) (q query, ok bool) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil || h.Response {
		return query{}, false
	}
	asked, err := p.Question()
	return query{h, asked}, err == nil
}

// answer is the message that answers a query; nil for none.
func (l Lie) answer(q query) ([]byte, error) {
	codes := map[string]dnsmessage.RCode{Servfail: dnsmessage.RCodeServerFailure, NXDomain: dnsmessage.RCodeNameError}
	if l.Answer == None {
		return nil, nil
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{
		ID: q.ID, Response: true, OpCode: q.OpCode, RecursionDesired: q.RecursionDesired, RecursionAvailable: true,
		RCode: codes[l.Answer],
	})
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(q.Question); err != nil {
		return nil, err
	}
	if err := b.StartAnswers(); err != nil {
		return nil, err
	}
	for _, a := range l.Addresses {
		if err := addAddress(&b, q.Question, a); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}

// addAddress adds an address to an answer, if it is of the kind asked for.
func addAddress(b *dnsmessage.Builder, q dnsmessage.Question, a netip.Addr) error {
	h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: ttl}
	switch {
	case q.Type == dnsmessage.TypeA && a.Is4():
		return b.AResource(h, dnsmessage.AResource{A: a.As4()})
	case q.Type == dnsmessage.TypeAAAA && a.Is6():
		return b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: a.As16()})
	}
	return nil
}
