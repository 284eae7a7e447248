package scenarios

func pauseFault() faultKind {
	return faultKind{
		word:    Word{"pause", "freeze every process of the node, unseen by it, and thaw it at the heal"},
		options: []string{"target"},
		example: "target: leader",
		read:    readTarget,
	}
}
