package scenarios

import (
	"net/netip"
	"path"
)

// A DNS is what becomes of questions about the names of hosts.
type DNS struct {
	// Answer is none, servfail, nxdomain or wrong.
	Answer string `json:"answer"`
	// Names are patterns of the names that are concerned; none: all.
	Names []string `json:"names,omitempty"`
	// Addresses are the wrong answers: IP addresses, or nodes, which stand for
	// theirs; none: addresses that nobody has.
	Addresses []string `json:"addresses,omitempty"`
}

// Answers are what the `answer` of a fault of dns can be.
func Answers() []Word {
	return []Word{
		{"none", "none at all, until who asks gives up"},
		{"servfail", "that the server failed"},
		{"nxdomain", "that there is no such name"},
		{"wrong", "addresses that are not those of the name; addresses says which"},
	}
}

func dnsFault() faultKind {
	return faultKind{
		word:    Word{"dns", "leave what a node asks about names of hosts unanswered, or answer it wrongly; answer says how"},
		options: []string{"target", "answer", "names", "addresses"},
		example: "answer: servfail",
		read:    readDNS,
		words:   []Vocabulary{{"answers", Answers()}},
	}
}

func readDNS(s section, f *Fault, sc *Scenario) {
	d := &DNS{}
	f.DNS = d
	readTarget(s, f, sc)
	if s.need("answer", "say how questions are answered, as in answer: servfail") {
		s.word("answer", "answer", &d.Answer, names(Answers()))
	}
	read(s, "names", &d.Names, func(v value) ([]string, bool) { return v.texts("patterns of names, as in [n2, *.internal]") })
	read(s, "addresses", &d.Addresses, func(v value) ([]string, bool) { return v.texts("addresses or nodes, as in [192.0.2.1] or [n1]") })
	for _, name := range d.Names {
		if _, err := path.Match(name, ""); err != nil || name == "" {
			s.at("names").reportf("as in n2, or *.internal", "%q is no pattern for names", name)
		}
	}
	if s.has("addresses") && d.Answer != "" && d.Answer != "wrong" {
		s.at("addresses").reportf("leave it out", "addresses belongs to answer: wrong")
		return
	}
	for _, address := range d.Addresses {
		if _, err := netip.ParseAddr(address); err != nil {
			checkOneNode(s.at("addresses"), address, sc.System.Nodes)
		}
	}
}
