package scenarios

// RestartPolicies are what the engine can do with a node that has ended by
// itself. A fault that keeps a node down suspends the policy until its heal.
func RestartPolicies() []Word {
	return []Word{
		{"always", "start it again, however it ended"},
		{"on-failure", "start it again unless it ended with exit code 0"},
		{"unless-stopped", "start it again unless somebody stopped it"},
	}
}
