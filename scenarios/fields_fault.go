package scenarios

import (
	"maps"
	"slices"
)

// faultField is a fault of a phase. Which of its fields may stand together
// depends on its kind.
func faultField() Field {
	fields := []Field{
		field("name", FormName, "Tells it from others of its kind.", "the kind, with a number where that is taken"),
		needed(wordField("fault", Faults(), "What is done.", "")),
	}
	known := faultOptionFields()
	for _, option := range append(allOptions(), whenOptions()...) {
		f, ok := known[option]
		if !ok {
			f = Field{Form: FormAny} // a test finds it
		}
		f.Name = option
		fields = append(fields, f)
	}
	out := mappingField("", "A fault: what is done to whom, and when.", "", fields...)
	out.Kinds = map[string][]string{}
	for _, k := range faultKinds() {
		out.Kinds[k.word.Name] = append(append([]string{"name", "fault"}, k.options...), whenOptions()...)
	}
	return out
}

// faultOptionFields describe the options of faults, by name.
func faultOptionFields() map[string]Field {
	texts := func(says, byDefault string) Field { return listField("", field("", FormText, "", ""), says, byDefault) }
	list := texts("", "")
	pair := listField("", list, "", "")
	all := map[string]Field{
		"target": eitherField("", "Whom it hurts: a word (see shakedown list targets), names of nodes, \"same as\" another fault, or targets with weights of which one is drawn each time.", "one",
			field("", FormText, "", ""), texts("", ""), namedField("", integerField("", 1, maxWeight, "", ""), "", "")),
		"shape":     wordField("", Shapes(), "Who is cut off from whom.", "any"),
		"groups":    listField("", list, "Groups of nodes: what is in one reaches nothing that is in another.", ""),
		"pairs":     listField("", pair.itemOrText(), "Ordered pairs of nodes, from and to, instead of a target.", ""),
		"direction": wordField("", Directions(), "Which packets of the target are meant.", "both"),
		"delay":     field("", FormDuration, "How much later packets arrive.", "0s"),
		"jitter":    field("", FormDuration, "By how much the delay varies, up or down.", "0s"),
		"loss":      field("", FormShare, "Which share of packets is lost.", "none"),
		"reorder":   field("", FormShare, "Which share of packets overtakes others.", "none"),
		"skew":      field("", FormDuration, "By how much the clock is off from injection to heal.", ""),
		"jump":      field("", FormDuration, "By how much the clock leaps forward, and halfway as far into the past.", ""),
		"kind":      wordField("", slices.Concat(DiskKinds(), ConnectionKinds()), "What happens to the disk, or to connections.", ""),
		"path":      field("", FormText, "Which files are meant, below the data directory.", "all"),
		"calls":     texts("Which calls are meant, as in [sync].", "all that fit"),
		"takes":     field("", FormDuration, "How long each call takes.", ""),
		"room":      field("", FormSize, "How much room is left.", "none"),
		"lose":      wordField("", Losses(), "What of the unsynced writes is lost.", ""),
		"files":     field("", FormAny, "How many files are damaged, or how many may be open.", "1"),
		"bits":      integerField("", 1, maxHarm, "How many bits are flipped.", "1"),
		"cut":       field("", FormSize, "How much is cut off the end.", ""),
		"age":       field("", FormDuration, "How old the copy is that takes the file's place.", ""),
		"restore":   field("", FormTruth, "Whether the heal puts back what was there.", "false"),
		"of":        wordField("of", []Word{{"node", "the node alone is shown another time"}, {"host", "the host's own clock is set, which takes allow_host_clock"}}, "Whose clock is wrong.", "node"),
		"clocks":    texts("Which clocks are meant, as in [realtime, monotonic].", "realtime"),
		"strobe":    field("", FormDuration, "How often the clock flips between right and off by skew.", ""),
		"drift":     field("", FormText, "By how much the clock runs fast or slow, as in 10% or -200ppm.", ""),
		"freeze":    field("", FormTruth, "Whether the clock stands still.", "false"),
		"how":       wordField("", slices.Concat(WaysToKill(), WaysToPause()), "In which way: one word for a kill, another for a pause.", "the hardest there is"),
		"grace":     field("", FormDuration, "How long a process that is asked to end may take.", ""),
		"up_for":    field("", FormDuration, "How long the node is up each time before it is killed again.", ""),
		"process":   field("", FormText, "A program of the node, by its name or a regular expression for its command line.", "all"),
		"cpus":      field("", FormAny, "How many processors are left to the node.", ""),
		"memory":    field("", FormAny, "How much memory is left to the node.", ""),
		"pids":      field("", FormAny, "How many processes and threads are left to the node.", ""),
		"at":        field("", FormDuration, "When it comes, from the beginning of the phase.", "at every, if that is given"),
		"every":     field("", FormDuration, "How often it comes again, as long as it fits into the phase.", "once"),
		"for":       needed(field("", FormDuration, "How long until the heal.", "")),
	}
	maps.Copy(all, linkOptionFields())
	maps.Copy(all, clusterOptionFields())
	all["after"] = mappingField("", "What must happen first, from its moment on.", "nothing",
		integerField("ops", 1, maxTriggerOps, "How many operations must have ended.", ""),
		field("fault", FormText, "The line of another fault, as in storm/kill.", ""),
		wordField("is", Stages(), "What must have become of that fault.", "in-force"),
		field("by", FormDuration, "How much later it then comes.", "0s"))
	all["when"] = mappingField("", "What must hold for it to come, from its moment on.", "nothing",
		field("in_flight", FormText, "An operation that must be under way, as in write.", ""),
		field("log", FormText, "A regular expression that a line logged since must match.", ""),
		mappingField("probe", "A question that must be answered with yes.", "",
			append(optional(questionFields()), texts("A command on this machine that ends with 0 for yes.", "").named("command"))...),
		field("node", FormName, "The node that is meant.", "any"))
	return all
}

// linkOptionFields describe the options of faults of links, besides those that
// are older than the rest.
func linkOptionFields() map[string]Field {
	texts := func(says, byDefault string) Field { return listField("", field("", FormText, "", ""), says, byDefault) }
	return map[string]Field{
		"between":      wordField("", Betweens(), "Which links of the target are meant.", "nodes"),
		"ports":        listField("", field("", FormAny, "", ""), "Which ports are meant: numbers, or names that the system gives them.", "all"),
		"again":        field("", FormDuration, "How often established connections are reset while the fault lasts.", "once"),
		"distribution": wordField("", Distributions(), "How delays are spread around delay.", "uniform"),
		"loss_burst":   field("", FormNumber, "How many packets are lost in a row, on average.", "each is drawn by itself"),
		"rate":         field("", FormText, "How much gets through, as in 1MiB/s.", "everything"),
		"duplicate":    field("", FormShare, "Which share of packets arrives twice.", "none"),
		"corrupt":      field("", FormShare, "Which share of packets has a wrong bit, which the receiver's kernel finds and drops.", "none"),
		"tamper":       field("", FormShare, "Which share of packets has a wrong bit that the receiver's program is given.", "none"),
		"answer":       wordField("", Answers(), "How questions about names are answered.", ""),
		"names":        texts("Patterns of the names that are meant, as in [n2, *.internal].", "all"),
		"addresses":    texts("The wrong answers: addresses, or nodes that stand for theirs.", "addresses that nobody has"),
	}
}

func optional(fields []Field) []Field {
	for i := range fields {
		fields[i].Needed = false
	}
	return fields
}

func (f Field) named(name string) Field {
	f.Name = name
	return f
}

// itemOrText is the item of a list, which may also be written as one text.
func (f Field) itemOrText() Field {
	return eitherField("", "", "", *f.Item, field("", FormText, "", ""))
}

func placesOfSteps() []Word {
	return []Word{{"node", "in the node, whose image must have the command"}, {"orchestrator", "on the machine that runs shakedown"}}
}

// stepField describes a step, which can run on those places.
func stepField(name, says, byDefault string, places []Word) Field {
	return mappingField(name, says, byDefault,
		listField("run", field("", FormText, "", ""), "A command; {name}, {ip} and {index} of the target are filled in, here and below.", ""),
		wordField("on", places, "Where the command runs.", "node"),
		wordField("method", []Word{{"GET", "read"}, {"PUT", "set"}, {"POST", "do"}, {"DELETE", "remove"}, {"PATCH", "change"}}, "Of an HTTP call.", "GET"),
		field("url", FormText, "The address of an HTTP call, which any 2xx answers well.", ""),
		field("body", FormText, "What the call sends.", "nothing"),
		field("says", FormText, "What must be in what is printed or answered.", "anything"),
		field("says_not", FormText, "What must not be in it.", "nothing"))
}

// memberStepField describes a step of a membership.
func memberStepField(name, says, byDefault string) Field {
	return stepField(name, says, byDefault, append(placesOfSteps(), Word{"other", "in another node, which is a member"}))
}

// clusterOptionFields describe the options of rolling and custom faults.
func clusterOptionFields() map[string]Field {
	step := func(says, byDefault string) Field { return stepField("", says, byDefault, placesOfSteps()) }
	return map[string]Field{
		"to":      field("", FormText, "The version, or the image, that nodes run after their turn.", "what they ran"),
		"within":  field("", FormDuration, "How long a node may take to get healthy after its turn.", short(defaultTurn)),
		"inject":  step("What brings the fault about.", ""),
		"verify":  step("What shows that it is there.", ""),
		"heal":    step("What takes it back.", ""),
		"gone":    step("What shows that it is gone.", "not looked for"),
		"timeout": field("", FormDuration, "How long each step may take.", short(defaultStep)),
		"failpoint": mappingField("", "A failpoint of gofail, which has its own steps.", "none",
			needed(field("name", FormText, "Which one.", "")),
			needed(field("term", FormText, "What it does, as in sleep(100).", "")),
			integerField("port", 1, 65535, "Where the node's program takes it.", "22381")),
	}
}
