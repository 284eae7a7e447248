package store

// A FileKind is a file, or a folder of files, that a run may have.
type FileKind struct {
	// Name is its name in the folder; a folder's ends in a slash.
	Name string
	// Says is what it is, in one sentence.
	Says string
}

// Files are all that a run's folder may hold, in the order in which a reader
// should meet it.
func Files() []FileKind {
	return []FileKind{
		{"report.html", "What happened, why we believe it, and whether the test was any good: one page that opens offline."},
		{ResultFile, "The verdict of each check with its sentences, and how long everything took; the last file to be written."},
		{"checks/", "For each check its verdict, and for a violation the operations that prove it and pictures of them."},
		{HistoryFile, "Every operation of every client and every step of every fault, one event a line, in one order and on one clock."},
		{PlanFile, "Everything that was going to be tried, before anything was done: each fault with its time and target, each client's operations."},
		{ScenarioFile, "The scenario as its author wrote it."},
		{RunFile, "Which program, on which machine, with which seed, image and command made the run, and the run that it repeats, if it does."},
		{"nodes/", "What each node logged, and how docker saw it in the end."},
		{"junit.xml", "The verdicts as a suite of tests, for continuous integration."},
	}
}

// Files are those that this run has.
func (f *Folder) Files() []FileKind {
	var out []FileKind
	for _, k := range Files() {
		if f.Has(k.Name) {
			out = append(out, k)
		}
	}
	return out
}
