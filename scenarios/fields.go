package scenarios

import "fmt"

// Fields is the scenario as a tree of fields, in the order in which one writes
// them.
func Fields(recipes Recipes) Field {
	return mappingField("", "A scenario: a system, a workload, what is done to them, and what must hold.", "",
		needed(integerField("version", 1, 1, "The version of the scenario format: 1.", "")),
		needed(field("name", FormName, "What the scenario is called; its runs lie in a folder of this name.", "")),
		field("about", FormText, "What the scenario tests and why, for whoever reads the report.", "nothing"),
		listField("tags", field("", FormName, "", ""), "Words by which one finds it.", "none"),
		systemFields(recipes),
		clientFields(),
		workloadFields(),
		phaseFields(),
		mappingField("settle", "How long the cluster may take after the last heal.", short(defaultHealthyWithin),
			field("healthy_within", FormDuration, "How long until every node must work again.", short(defaultHealthyWithin))),
		checkFields(),
		neverFields(),
		mappingField("earned", "What must have happened for a pass to count; without it the verdict is unknown.", "some operations were ok, and every fault took hold",
			integerField("ok_at_least", 0, maxPlanned, "How many operations must have been ok.", "1 or more"),
			field("every_fault_took_hold", FormTruth, "Whether every planned fault must have been seen to bite.", "true")),
		wordField("expect", []Word{{"valid", "nothing must be found"}, {"violation", "a violation must be found, in a system known to be broken"}}, "The verdict that is expected, which decides the exit code.", "valid"),
		namedField("matrix", field("", FormAny, "", ""), "Values of fields, by their paths as for --set, in lists: the scenario is run once for each combination that is not under exclude.", "one run"),
	)
}

func systemFields(recipes Recipes) Field {
	return needed(mappingField("system", "What runs on the nodes: a system that shakedown knows, or any image.", "",
		wordField("use", Systems(recipes), "A system that shakedown knows how to build and run.", "none: image says what runs"),
		field("version", FormVersion, "Which version of it.", "the one that the recipe names"),
		integerField("nodes", 1, maxClusterNodes, "How many nodes there are; they are called n1, n2, ….", fmt.Sprint(defaultNodes)),
		field("image", FormText, "An image that docker has or can pull, instead of use.", "none"),
		listField("command", field("", FormText, "", ""), "What a node runs. {name}, {ip}, {index}, {peers} and {others} are filled in.", "that of the recipe or the image"),
		namedField("env", field("", FormText, "", ""), "Variables of the node's environment; the same is filled in as in command.", "that of the recipe"),
		field("peers", FormText, `The form of one entry of {peers}, as in "{name}=http://{ip}:2380".`, `"{ip}"`),
		namedField("ports", integerField("", 1, 65535, "", ""), "The ports that clients use, by name; client is needed.", "those of the recipe"),
		field("data", FormText, "A directory on a volume of its own, which outlives a kill and is where disk faults bite.", "none"),
		mappingField("ready", "How to tell that a node works, where the client cannot tell.", "the port accepts a connection",
			field("http", FormText, "A path on the client port that answers 2xx when the node is ready.", "none"),
			field("within", FormDuration, "How long the whole cluster may take to get ready.", short(defaultReady))),
		mappingField("leader", "How to ask a node whether it leads, or who does, for the targets leader and followers.", "the client asks, if it can", questionFields()...),
		mappingField("limits", "What each node may use.", "no limit",
			field("cpus", FormNumber, "How many processors, as in 0.5.", "no limit"),
			field("memory", FormSize, "How much memory.", "no limit")),
	))
}

// questionFields are the fields of a question to a node.
func questionFields() []Field {
	return []Field{
		needed(field("http", FormText, "The path that is asked for.", "")),
		field("port", FormName, "The name of the port.", "client"),
		field("field", FormText, `Where in the answer to look: "body", or "json:" and the path of a field.`, "any 2xx means yes"),
		field("is", FormText, "What must stand there for yes.", "true"),
	}
}

func clientFields() Field {
	var operations []Field
	for _, name := range operationNames() {
		operations = append(operations, operationField(name))
	}
	return mappingField("client", "How operations reach the system.", "that of the recipe",
		wordField("use", Clients(), "The kind of client.", "that of the recipe"),
		field("serializable_reads", FormTruth, "Let etcd answer reads from the node's own state: fast, and stale on a node that is cut off.", "false"),
		mappingField("operations", "The requests of an http client, by operation.", "none", operations...))
}

func operationField(name string) Field {
	fields := []Field{
		needed(wordField("method", []Word{{"GET", ""}, {"PUT", ""}, {"POST", ""}, {"DELETE", ""}, {"PATCH", ""}, {"HEAD", ""}}, "The method of the request.", "")),
		needed(field("path", FormText, "The path; {key}, {value}, {old} and {new} are filled in.", "")),
		field("body", FormText, "The body; filled in like the path.", "empty"),
		namedField("header", field("", FormText, "", ""), "Headers of the request.", "none"),
		statusField("ok", "The status codes that mean: it happened.", "200, 201 and 204"),
		statusField("fail", "The status codes that mean: it did not happen, and never will.", "none; any other is unknown"),
	}
	if name == "read" {
		fields = append(fields,
			statusField("absent", "The status codes that mean: there is no value.", "none"),
			field("value", FormText, `Where the value stands in the answer: "body", or "json:" and the path of a field.`, "body"))
	}
	return mappingField(name, "How an http client does a "+name+".", "none", fields...)
}

// statusField is one status code, or a list of them.
func statusField(name, says, byDefault string) Field {
	code := integerField("", 100, 599, "", "")
	return eitherField(name, says, byDefault, code, listField("", code, "", ""))
}

func workloadFields() Field {
	var mix []Field
	for _, name := range operationNames() {
		mix = append(mix, integerField(name, 0, maxWeight, "The weight of "+name+".", "0"))
	}
	return mappingField("workload", "What the clients do.", "register, with the defaults below",
		wordField("use", Workloads(), "The kind of operations and objects.", "register"),
		integerField("clients", 1, maxClients, "How many clients there are; each stays with its node.", fmt.Sprintf("%d for each node", clientsPerNode)),
		integerField("keys", 1, maxKeys, "How many keys are in use at a time.", fmt.Sprint(defaultKeys)),
		integerField("operations_per_key", 1, maxOperationsPerKey, "After how many operations a key is retired for a fresh one.", fmt.Sprint(defaultOperationsPerKey)),
		field("rate", FormRate, "The open load over all clients together.", "closed loop: as fast as answers come"),
		mappingField("mix", "The weights of the operations.", "50 reads, 35 writes and, where the client can, 15 cas", mix...),
		field("timeout", FormDuration, "When to give an operation up; its result is then unknown.", short(defaultTimeout)))
}

func phaseFields() Field {
	phase := mappingField("", "A stretch of the run.", "",
		needed(field("name", FormName, "What the phase is called.", "")),
		needed(field("for", FormDuration, "How long it lasts.", "")),
		listField("faults", faultField(), "What is done meanwhile.", "nothing"))
	return needed(listField("phases", phase, "The stretches of the run, in order. Healing, settling and final reads come after the last by themselves.", ""))
}

func checkFields() Field {
	return listField("checks", mappingField("", "A check and its options.", "",
		needed(wordField("check", Checks(), "What must hold.", "")),
		wordField("model", Models(), "What the objects are meant to be, for linearizable.", ""),
		field("timeout", FormDuration, "How long the check may take before its answer is unknown.", short(defaultCheckTimeout)),
		field("within", FormDuration, "How soon after the last heal every node must serve, for recovery.", ""),
		listField("forbid", field("", FormText, "", ""), "What no node may log, for logs.", ""),
	), "What must hold in the end; stats and earned are checked whatever stands here.", "linearizable, for the register")
}

func neverFields() Field {
	return listField("never", mappingField("", "A rule of one's own.", "",
		needed(field("name", FormName, "What the rule is called.", "")),
		field("says", FormText, "What must never happen, in a sentence for the report.", ""),
		field("origin", FormText, "Where the rule comes from, as in: postmortem 2026-03.", ""),
		field("where", FormText, "A condition on one operation, in Starlark, that must never hold.", ""),
		field("spec", FormText, "A file of rules in Starlark beside the scenario.", ""),
		field("use", FormName, "A bundled rule; shakedown list checks names them as models of invariant.", ""),
		listField("run", field("", FormText, "", ""), "A command that is given the history and answers with a verdict.", ""),
		field("timeout", FormDuration, "How long the rule may take.", short(defaultCheckTimeout)),
	), "What must never happen, each with where it comes from.", "nothing")
}
