// Package desired keeps what those who work in the nodes' networks have in
// common: where the nodes are, what each fault wants of them, and by which name
// their tables are known. It changes nothing in the kernel, and is not safe for
// concurrent use: whoever has it locks.
package desired
