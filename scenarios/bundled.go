package scenarios

import (
	"embed"
	"io/fs"
)

//go:embed *.yaml
var bundled embed.FS

// Bundled are the scenarios that come with the program: the *.yaml files of
// this folder.
func Bundled() fs.FS { return bundled }
