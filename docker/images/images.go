// Package images holds the recipes: for each kind of system that the program
// knows, how its nodes' image is made and how they are run.
//
// A recipe is a folder with a recipe.yaml and, for a system whose program is
// part of this one, its source.
package images

import (
	"embed"
	"io/fs"
)

//go:embed redis/* postgres/*
//go:embed etcd/recipe.yaml abd/recipe.yaml abd/main.go abd/register.go abd/quorum.go abd/store.go
var recipes embed.FS

// FS holds a folder for each recipe, named after it, with a recipe.yaml.
func FS() fs.FS { return recipes }
