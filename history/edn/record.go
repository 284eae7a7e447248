package edn

import (
	"encoding/json"
	"strings"
)

// record looks at a tagged form that stands in dst, from there on. Two kinds of
// records are not the maps that they look like:
//
//   - a micro-operation, as #jepsen.txn.micro_op.Read{:key :x :value 1} or with
//     an :f of its own, is [f key value];
//   - a tuple of Jepsen's independent keys, #jepsen.independent.Tuple{:key 0
//     :value 5} or tagged vector, is [key value]; and that there is one settles
//     what vectors of two are.
func (s *scanner) record(dst []byte, from int, tag string) []byte {
	switch {
	case strings.Contains(tag, "independent") && strings.HasSuffix(strings.ToLower(tag), "tuple"):
		s.tupled = true
		return asVector(dst, from, "", "key", "value")
	case strings.Contains(tag, "micro_op") || strings.Contains(tag, "micro-op"):
		return asVector(dst, from, microName(tag), "f", "key", "value")
	}
	return dst
}

// microName is what the record of a micro-operation is called, in the word that a
// vector has for it.
func microName(tag string) string {
	name := strings.ToLower(tag[strings.LastIndexAny(tag, "./")+1:])
	switch name {
	case "read":
		return "r"
	case "write":
		return "w"
	}
	return name
}

// asVector makes an array of an object's members: of the first what it is called
// by itself, if it has none. What lacks another member stays as it is.
func asVector(dst []byte, from int, usual string, names ...string) []byte {
	var members map[string]json.RawMessage
	if dst[from] != '{' || json.Unmarshal(dst[from:], &members) != nil {
		return dst
	}
	short := map[string]string{"key": "k", "value": "v"}
	var list []json.RawMessage
	for _, name := range names {
		value, ok := members[name]
		if !ok {
			value, ok = members[short[name]]
		}
		switch {
		case !ok && name == "f" && usual != "":
			value = appendJSON(nil, []byte(usual))
		case !ok && name == "value":
			value = json.RawMessage("null")
		case !ok:
			return dst
		}
		list = append(list, value)
	}
	text, err := json.Marshal(list)
	if err != nil {
		return dst
	}
	return append(dst[:from], text...)
}
