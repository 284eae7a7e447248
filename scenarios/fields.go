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
		systemDescribed(recipes),
		clientDescribed(),
		workloadDescribed(),
		phaseDescribed(),
		mappingField("settle", "How long the cluster may take after the last heal.", short(defaultHealthyWithin),
			field("healthy_within", FormDuration, "How long until every node must work again.", short(defaultHealthyWithin))),
		checkDescribed(),
		neverDescribed(),
		wordField("stop", []Word{{"on-violation", "end the storm when a rule is broken"}, {"at-end", "let it run"}}, "Whether the storm ends when a rule under never is broken.", "at-end"),
		mappingField("earned", "What must have happened for a pass to count; without it the verdict is unknown.", "some operations were ok, and every fault took hold",
			integerField("ok_at_least", 0, maxPlanned, "How many operations must have been ok.", "1 or more"),
			field("every_fault_took_hold", FormTruth, "Whether every planned fault must have been seen to bite.", "true")),
		wordField("expect", []Word{{"valid", "nothing must be found"}, {"violation", "a violation must be found, in a system known to be broken"}}, "The verdict that is expected, which decides the exit code.", "valid"),
		namedField("matrix", field("", FormAny, "", ""), "Values of fields, by their paths as for --set, in lists: the scenario is run once for each combination that is not under exclude.", "one run"),
	)
}

func systemDescribed(recipes Recipes) Field {
	return needed(mappingField("system", "What runs on the nodes: a system that shakedown knows, or any image.", "",
		wordField("use", Systems(recipes), "A system that shakedown knows how to build and run.", "none: image says what runs"),
		field("version", FormVersion, "Which version of it.", "the one that the recipe names"),
		namedField("versions", field("", FormText, "", ""), "The versions of nodes that begin with another one, by node; images, for a system without a recipe.", "version"),
		integerField("nodes", 1, maxClusterNodes, "How many nodes there are; they are called n1, n2, ….", fmt.Sprint(defaultNodes)),
		field("image", FormText, "An image that docker has or can pull, instead of use.", "none"),
		listField("command", field("", FormText, "", ""), "What a node runs. {name}, {ip}, {index}, {data}, {peers}, {others} and {state} are filled in.", "that of the recipe or the image"),
		namedField("env", field("", FormText, "", ""), "Variables of the node's environment; the same is filled in as in command.", "that of the recipe"),
		field("peers", FormText, `The form of one entry of {peers}, as in "{name}=http://{ip}:2380".`, `"{ip}"`),
		namedField("ports", integerField("", 1, 65535, "", ""), "The ports that clients use, by name; client is needed.", "those of the recipe"),
		field("data", FormText, "A directory on a volume of its own, which outlives a kill and is where disk faults bite.", "none"),
		mappingField("ready", "How to tell that a node works, where the client cannot tell.", "the port accepts a connection",
			field("http", FormText, "A path on the client port that answers 2xx when the node is ready.", "none"),
			field("within", FormDuration, "How long the whole cluster may take to get ready.", short(defaultReady))),
		mappingField("leader", "How to ask a node whether it leads, or who does, for the targets leader and followers.", "the client asks, if it can", questionFields()...),
		wordField("restart", RestartPolicies(), "What the engine does with a node that has ended by itself. Faults that keep a node down suspend it.", "none: it stays down"),
		mappingField("membership", "How members come and go, for a system whose client does not know: {via} and {via_ip} are of another node, which is a member.", "the client asks, if it can",
			needed(memberStepField("member", "What shows that a node is a member, by what says.", "")),
			needed(memberStepField("remove", "What makes it a member no more, before it is stopped.", "")),
			memberStepField("add", "What makes it a member again, before it is started with empty data.", "none"),
			memberStepField("join", "What makes it a member again, after it was started with empty data.", "none")),
		listField("hosts", eitherField("", "", "", field("", FormText, "", ""), mappingField("", "A host for a node.", "",
			field("ssh", FormText, "The name by which ssh reaches it.", ""),
			field("address", FormText, "The address by which clients and other nodes reach it.", "that of ssh"))),
			"Hosts that the nodes run on, over SSH, instead of docker.", "none: docker"),
		mappingField("ssh", "How to log in to the hosts.", "as the ssh command would",
			field("user", FormText, "The name of the user.", "as the ssh command would"),
			integerField("port", 1, 65535, "The port of the server.", "22"),
			field("identity", FormText, "The file of the private key.", "the agent's"),
			field("jump", FormText, "A host to go through.", "none"),
			field("known_hosts", FormText, "The file with the keys of the hosts.", "~/.ssh/known_hosts"),
			field("config", FormText, "The file of ssh's settings.", "~/.ssh/config")),
		field("allow_host_clock", FormTruth, "Whether clock faults may set the clocks of the hosts themselves (of: host).", "false"),
		mappingField("control", "How a node is started and stopped on a host.", "none",
			field("unit", FormText, "The systemd unit that is the node.", ""),
			field("start", FormText, "The command that starts the node.", ""),
			field("stop", FormText, "The command that stops it.", ""),
			field("pid", FormText, "The command that prints its process.", ""),
			field("prepare", FormText, "The command before the first start.", ""),
			listField("logs", field("", FormText, "", ""), "The files that are its logs.", "")),
		mappingField("docker", "Several docker engines, over which the nodes are spread.", "the one that docker's own settings name",
			needed(listField("engines", eitherField("", "", "", field("", FormText, "", ""), mappingField("", "An engine.", "",
				needed(field("at", FormText, "Where it listens: unix:///path, tcp://host:port or ssh://user@host.", "")),
				field("certificates", FormText, "A directory with ca.pem, cert.pem and key.pem, for tcp with TLS.", "no TLS"),
				field("address", FormText, "The address of its host, on the network host.", "none"),
				listField("nodes", field("", FormText, "", ""), "The nodes that it runs.", "in turn, with the others that name none"))),
				"The engines.", "")),
			needed(field("network", FormText, "A network that all of them have under this name: an overlay, a macvlan, a bridge that they share, or host.", ""))),
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

func clientDescribed() Field {
	var operations []Field
	for _, name := range operationNames() {
		operations = append(operations, operationField(name))
	}
	return mappingField("client", "How operations reach the system.", "that of the recipe",
		wordField("use", Clients(), "The kind of client.", "that of the recipe"),
		field("serializable_reads", FormTruth, "Let etcd answer reads from the node's own state: fast, and stale on a node that is cut off.", "false"),
		mappingField("operations", "The requests of an http client, by operation.", "none", operations...),
		field("fencing", FormTruth, "Whether a lock's token is given to the store, which refuses an older one.", "true"),
		wordField("isolation", Isolations(), "The isolation level that transactions ask for.", "serializable"),
		wordField("writes", []Word{{"node", "each client writes to its own node"}, {"primary", "all write to the node that leads"}}, "Where writes go.", "that of the client"),
		integerField("wait", 0, maxClusterNodes, "How many replicas must have a write before it counts.", "0"),
		field("lease", FormDuration, "How long a lock is held by who does not give it back.", "that of the client"),
		listField("command", field("", FormText, "", ""), "The program that carries out operations, for an exec client.", "none"))
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
	if forms()[name].answers || name == "read" {
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

func workloadDescribed() Field {
	return mappingField("workload", "What the clients do.", "register, with the defaults below",
		wordField("use", Workloads(), "The kind of operations and objects.", "register"),
		integerField("clients", 1, maxClients, "How many clients there are; each stays with its node.", fmt.Sprintf("%d for each node", clientsPerNode)),
		integerField("keys", 1, maxKeys, "How many keys are in use at a time.", fmt.Sprint(defaultKeys)),
		integerField("operations_per_key", 1, maxOperationsPerKey, "After how many operations a key is retired for a fresh one.", fmt.Sprint(defaultOperationsPerKey)),
		integerField("in_flight", 1, maxInFlight, "How many operations a client may have under way at a time.", "1"),
		integerField("txn_length", 1, maxTxnLength, "How many steps a transaction has at most.", fmt.Sprint(defaultTxnLength)),
		integerField("accounts", 2, maxAccounts, "How many accounts the bank has.", fmt.Sprint(defaultAccounts)),
		integerField("balance", 1, maxBalance, "What each account has at first.", fmt.Sprint(defaultBalance)),
		integerField("max_transfer", 1, maxBalance, "How much is moved at a time, at most.", fmt.Sprint(defaultMaxTransfer)),
		integerField("group", 2, maxGroupSize, "How many keys make a group.", fmt.Sprint(defaultGroupSize)),
		field("rate", FormRate, "The open load over all clients together.", "closed loop: as fast as answers come"),
		namedField("mix", integerField("", 0, maxWeight, "", ""), "The weights of the operations.", "50 reads, 35 writes and, where the client can, 15 cas"),
		field("timeout", FormDuration, "When to give an operation up; its result is then unknown.", short(defaultTimeout)))
}

func phaseDescribed() Field {
	phase := mappingField("", "A stretch of the run.", "",
		needed(field("name", FormName, "What the phase is called.", "")),
		needed(field("for", FormDuration, "How long it lasts.", "")),
		wordField("storm", Storms(), "Bad weather in one word, beside the faults.", "none"),
		listField("faults", faultField(), "What is done meanwhile.", "nothing"))
	return needed(listField("phases", phase, "The stretches of the run, in order. Healing, settling and final reads come after the last by themselves.", ""))
}

func checkDescribed() Field {
	fields := []Field{
		needed(wordField("check", Checks(), "What must hold.", "")),
		field("timeout", FormDuration, "How long the check may take before its answer is unknown.", short(defaultCheckTimeout)),
	}
	for _, name := range checkFields()[2:] {
		fields = append(fields, checkOptionField(name))
	}
	return listField("checks", mappingField("", "A check and its options.", "", fields...),
		"What must hold in the end; stats and earned are checked whatever stands here.", "what judges the workload")
}

// checkOptionField is what checks may be told under a name, in the form in which
// the loader reads it. What it does, each check says for itself.
func checkOptionField(name string) Field {
	var owners []string
	kind := someWords
	for _, j := range judgements() {
		if k, ok := j.options[name]; ok {
			owners, kind = append(owners, j.Name), k
		}
	}
	says := "An option of " + andList(owners) + "; shakedown explain says what it does there."
	words := eitherField(name, says, "", field("", FormText, "", ""), listField("", field("", FormText, "", ""), "", ""))
	var levels []Word
	for _, l := range Levels() {
		levels = append(levels, Word{Name: l})
	}
	return map[option]Field{
		aFlag: field(name, FormTruth, says, "false"), aDuration: field(name, FormDuration, says, ""), aShare: field(name, FormShare, says, ""),
		aModel: field(name, FormName, says, ""), aLevel: wordField(name, levels, says, "strict-serializable"), someWords: words,
	}[kind]
}

func neverDescribed() Field {
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
