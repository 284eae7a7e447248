// Package scenarios is what a user writes: the [Scenario], its loader, and the
// bundled YAML files.
//
// [Parse] finds every mistake at once, each with its place and a suggestion.
// A Scenario that Parse returned is complete: every default is filled in, and
// what depends on the kind of system comes from its [Recipe].
package scenarios

import "time"

// A Scenario is a system, a workload, what is done to them in which order, and
// what must hold in the end.
type Scenario struct {
	Name     string   `json:"name"`
	About    string   `json:"about,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	System   System   `json:"system"`
	Client   Client   `json:"client"`
	Workload Workload `json:"workload"`
	Phases   []Phase  `json:"phases"`
	Settle   Settle   `json:"settle"`
	Checks   []Check  `json:"checks"`
	Never    []Never  `json:"never,omitempty"`
	// Stop is "on-violation" if the storm ends as soon as a rule of Never is
	// seen broken; empty if it goes on, and rules are judged after it.
	Stop   string `json:"stop,omitempty"`
	Earned Earned `json:"earned"`
	// Expect is "valid" or "violation"; the latter for a system known to be
	// broken. The default is valid.
	Expect string `json:"expect"`
}

// A System is what runs on the nodes.
type System struct {
	// Use names a recipe, or is empty when Image is given.
	Use     string `json:"use,omitempty"`
	Version string `json:"version,omitempty"`
	// Versions are those of nodes that do not begin with Version, by node. With
	// Image instead of Use they are images.
	Versions map[string]string `json:"versions,omitempty"`
	// Builds say how the images of further versions are made: of Versions, and
	// of those that a rolling upgrade goes to. Nil for what is an image.
	Builds map[string]*Build `json:"builds,omitempty"`
	// Nodes is how many nodes; they are called n1, n2, ….
	Nodes int `json:"nodes"`
	// Image is any image that the docker engine already has, or can pull.
	// Empty when Build is set.
	Image string `json:"image,omitempty"`
	// Build says how the image is made, from the recipe; nil when Image is given.
	Build *Build `json:"build,omitempty"`
	// Command is what a node runs. In it and in Env, {name}, {ip} and {index}
	// (from 1) stand for the node's own, {data} for the directory of its
	// files, {peers} for the entries of all nodes and {others} for those of
	// all other nodes, joined with commas; {state} is new, or existing on a
	// node that joins a cluster that runs.
	Command []string `json:"command,omitempty"`
	// Env are environment variables.
	Env map[string]string `json:"env,omitempty"`
	// Peers is the form of one entry of {peers}, for example
	// "{name}=http://{ip}:2380". The default is "{ip}".
	Peers string `json:"peers,omitempty"`
	// Ports are the ports that clients use, by name. A system needs "client".
	Ports map[string]int `json:"ports,omitempty"`
	// Data is a directory that outlives a kill and restart, on a volume of
	// its own; empty for none beyond the container's own files.
	Data string `json:"data,omitempty"`
	// Ready is how to tell that a node works, where the client cannot tell.
	Ready Ready `json:"ready"`
	// Leader is how to ask a node who leads, where the client cannot tell or
	// is not to be asked; nil for not at all.
	Leader *Ask   `json:"leader,omitempty"`
	Limits Limits `json:"limits"`
	// Restart is the restart policy of the nodes' containers, by which the
	// engine starts a node again that ends by itself; empty for none.
	Restart string `json:"restart,omitempty"`
	// Membership says how members come and go, where the client cannot.
	Membership *Membership `json:"membership,omitempty"`
	// Hosts are machines of the user's own, one a node; none for containers.
	// SSH and Control say how to get there and how a node is started; nil for
	// what is usual.
	Hosts   []Host   `json:"hosts,omitempty"`
	SSH     *SSH     `json:"ssh,omitempty"`
	Control *Control `json:"control,omitempty"`
	// AllowHostClock lets clock faults set the clocks of the hosts themselves.
	AllowHostClock bool `json:"allow_host_clock,omitempty"`
	// Docker are several engines that the nodes are spread over; nil for the
	// one that docker's own settings name.
	Docker *Docker `json:"docker,omitempty"`
}

// A Build makes an image FROM scratch, out of one static Go program or out of
// Debian's packages.
type Build struct {
	// Recipe is the recipe's name; the image is cached by it, by Version and
	// by the contents of this struct.
	Recipe  string `json:"recipe"`
	Version string `json:"version,omitempty"`
	// Kind is "go": build Package of Module at ModuleVersion with the local
	// toolchain, from a generated wrapper module. With Source instead of
	// Module, build the embedded files of the recipe. It is "debian": unpack
	// Packages.
	Kind          string `json:"kind"`
	Module        string `json:"module,omitempty"`
	ModuleVersion string `json:"module_version,omitempty"`
	Package       string `json:"package,omitempty"`
	// Replace are replace directives for the build, as in a go.mod:
	// "google.golang.org/grpc => google.golang.org/grpc v1.26.0".
	Replace []string `json:"replace,omitempty"`
	// Source are file names beside the recipe that make up a main package.
	Source []string `json:"source,omitempty"`
	// Packages are Debian packages, the one that Version is of first; in
	// their names {version} stands for it. What they need comes along, but for
	// what fits a pattern of Without.
	Packages []string `json:"packages,omitempty"`
	Without  []string `json:"without,omitempty"`
	// Files are files beside the recipe, by where they are put in an image
	// made of packages.
	Files map[string]string `json:"files,omitempty"`
	// Binary is where the program is put in the image, for example "/etcd";
	// in an image made of packages, which of its files is run.
	Binary string `json:"binary"`
}

// Ready says how to tell that a node works.
type Ready struct {
	// HTTP is a path on the client port that answers 2xx when the node is
	// ready; empty to only wait for the port to accept a connection.
	HTTP string `json:"http,omitempty"`
	// Within is how long the whole cluster may take.
	Within time.Duration `json:"within_ns"`
}

// Limits hold for each node. Zero means no limit.
type Limits struct {
	CPUs        float64 `json:"cpus,omitempty"`
	MemoryBytes int64   `json:"memory_bytes,omitempty"`
}

// A Client says how operations reach the system.
type Client struct {
	// Use is one of [Clients], for example "etcd". The recipe gives the default.
	Use string `json:"use"`
	// SerializableReads makes etcd answer reads from the node's own state,
	// without asking the others: fast, and stale on a node that is cut off.
	SerializableReads bool `json:"serializable_reads,omitempty"`
	// Operations are the requests of an http client, by operation: read,
	// write, cas, and what else the workload asks for.
	Operations map[string]HTTPOperation `json:"operations,omitempty"`
	// Isolation is the level at which postgres runs transactions:
	// serializable, repeatable-read or read-committed.
	Isolation string `json:"isolation,omitempty"`
	// Lease is how long a lock lasts that is not renewed.
	Lease time.Duration `json:"lease_ns,omitempty"`
	// Unfenced lets what a lock guards be written under any token, also by a
	// holder of the past. (In YAML, fencing: false.)
	Unfenced bool `json:"unfenced,omitempty"`
	// Writes says where a client of redis sends what changes something: to its
	// own node, or to the primary, which it asks its own node for.
	Writes string `json:"writes,omitempty"`
	// Wait is how many replicas a client of redis waits for after it has
	// written something; 0 for none.
	Wait int `json:"wait,omitempty"`
	// Command is the program of an exec client, and Folder where it runs.
	Command []string `json:"command,omitempty"`
	Folder  string   `json:"folder,omitempty"`
}

// An HTTPOperation maps an operation to a request, and its answer to an
// outcome. In Path and Body, {key}, {value}, {old} and {new} are replaced.
type HTTPOperation struct {
	Method string            `json:"method"`
	Path   string            `json:"path"`
	Body   string            `json:"body,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	// OK, Fail and Absent are the status codes that mean: it happened; it
	// did not and never will; a read found nothing. Any other answer is
	// unknown. The default of OK is 200, 201 and 204.
	OK     []int `json:"ok,omitempty"`
	Fail   []int `json:"fail,omitempty"`
	Absent []int `json:"absent,omitempty"`
	// Value is where the value of an operation that answers one stands in the answer: "body" (the whole
	// body, a JSON value or plain text), or "json:" and the dotted path of a
	// field, for example "json:node.value". The default is body.
	Value string `json:"value,omitempty"`
}

// A Workload is what the clients do.
type Workload struct {
	// Use is one of [Workloads], for example "register".
	Use     string `json:"use"`
	Clients int    `json:"clients"`
	// InFlight is how many operations of an open load a client may have under
	// way, each as a process of its own. An arrival that finds all of them
	// waiting is not sent, but counted. 0 means 1.
	InFlight int `json:"in_flight,omitempty"`
	// Keys is how many keys are in use at a time. A key is retired for a
	// fresh one after OperationsPerKey operations.
	Keys             int `json:"keys"`
	OperationsPerKey int `json:"operations_per_key"`
	// RatePerSecond is the open load over all clients; 0 means closed loop:
	// each client sends its next operation when the last one has ended.
	RatePerSecond float64 `json:"rate_per_second,omitempty"`
	// Mix are the weights of what the workload is mixed of, for a register
	// read, write and cas.
	Mix     map[string]int `json:"mix"`
	Timeout time.Duration  `json:"timeout_ns"`
	// TxnLength is the most micro-operations of a transaction.
	TxnLength int `json:"txn_length,omitempty"`
	// Accounts is how many accounts a bank has, Balance what is in each at the
	// beginning, MaxTransfer the most that is transferred at a time.
	Accounts    int `json:"accounts,omitempty"`
	Balance     int `json:"balance,omitempty"`
	MaxTransfer int `json:"max_transfer,omitempty"`
	// GroupSize is how many keys a read of a long fork reads.
	GroupSize int `json:"group,omitempty"`
}

// A Phase is a stretch of the run.
type Phase struct {
	Name string        `json:"name"`
	For  time.Duration `json:"for_ns"`
	// Storm is the package that the first of the Faults come from; empty for
	// none.
	Storm  string  `json:"storm,omitempty"`
	Faults []Fault `json:"faults,omitempty"`
}

// Settle is how long the cluster may take after the last heal.
type Settle struct {
	HealthyWithin time.Duration `json:"healthy_within_ns"`
}

// A Check names a checker and its options.
type Check struct {
	Check string `json:"check"` // linearizable, bank, recovery, logs, …
	// Model is of linearizable and of invariant.
	Model string `json:"model,omitempty"`
	// Isolation is the level that transactions are judged against.
	Isolation string `json:"isolation,omitempty"`
	// Options are what else the check may be told, by name.
	Options map[string][]string `json:"options,omitempty"`
	// Timeout bounds the check.
	Timeout time.Duration `json:"timeout_ns,omitempty"`
	// Within is of recovery.
	Within time.Duration `json:"within_ns,omitempty"`
	// Forbid are words that no node may log.
	Forbid []string `json:"forbid,omitempty"`
}

// Earned is what must have happened for a pass to count.
type Earned struct {
	OKAtLeast          int  `json:"ok_at_least,omitempty"`
	EveryFaultTookHold bool `json:"every_fault_took_hold"`
}

// A Recipe is what is known about a kind of system: how its image is made and
// how its nodes are run. It lives under docker/images/<name>/recipe.yaml.
type Recipe struct {
	Name   string
	About  string
	System System
	Client Client
	// Default is the version used when the scenario names none.
	Default string
	// Lines say, for versions that begin with Prefix, which module has them.
	Lines []RecipeLine
}

// A RecipeLine is a line of versions that are built alike.
type RecipeLine struct {
	Prefix  string
	Module  string
	Package string
	// Versions maps a version to the module version that has it, where that
	// is not simply "v" and the version.
	Versions map[string]string
	// Replace are the replace directives that the line's builds need.
	Replace []string
}
