package scenarios

func killFault() faultKind {
	return faultKind{
		word:    Word{"kill", "SIGKILL the node's process, and start it again at the heal"},
		options: []string{"target"},
		example: "target: minority",
		read:    readTarget,
	}
}
