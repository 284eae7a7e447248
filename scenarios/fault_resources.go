package scenarios

const (
	// maxLimitCPUs and the others bound limits: more than that is no shortage.
	maxLimitCPUs  = 64
	maxLimitPids  = 1 << 20
	maxLimitFiles = 1 << 20
)

// Resources are what a node is let have, at most. Zero is no limit.
type Resources struct {
	// CPUs is how many processors, in parts: 0.1 is a tenth of one.
	CPUs        float64 `json:"cpus,omitempty"`
	MemoryBytes int64   `json:"memory_bytes,omitempty"`
	// Pids is how many processes and threads.
	Pids int `json:"pids,omitempty"`
	// Files is how many file descriptors, each process.
	Files int `json:"files,omitempty"`
}

func resourcesFault() faultKind {
	return faultKind{
		word: Word{"resources", "let the node have too little: cpus: 0.1 of a processor, memory: 64MiB (it may be killed for want of it), " +
			"pids: 20 processes and threads, files: 40 file descriptors each process"},
		options: []string{"target", "cpus", "memory", "pids", "files"},
		example: "cpus: 0.1",
		read:    readResources,
	}
}

func readResources(s section, f *Fault, sc *Scenario) {
	readTarget(s, f, sc)
	r := &Resources{}
	f.Resources = r
	read(s, "cpus", &r.CPUs, func(v value) (float64, bool) {
		n, ok := v.number(maxLimitCPUs)
		if ok && n == 0 {
			v.report("without any processor a node stands still", "write as in cpus: 0.1, or pause it")
		}
		return n, ok
	})
	read(s, "memory", &r.MemoryBytes, func(v value) (int64, bool) {
		n, ok := v.memory()
		if ok && n == 0 {
			v.report("without any memory no node runs", "write as in memory: 64MiB, or kill it")
		}
		return n, ok
	})
	s.integer("pids", &r.Pids, 1, maxLimitPids)
	s.integer("files", &r.Files, 1, maxLimitFiles)
	if !s.has("cpus") && !s.has("memory") && !s.has("pids") && !s.has("files") {
		s.at("fault").report("nothing says what is short", "add cpus: 0.1, memory: 64MiB, pids: 20 or files: 40")
	}
}
