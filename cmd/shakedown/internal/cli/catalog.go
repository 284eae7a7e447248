package cli

import (
	"fmt"
	"io/fs"

	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A Catalog names everything that a scenario can use. The command's main
// package fills it in, in plain sight; nothing registers itself.
type Catalog struct {
	// Images holds a folder for each recipe, with its recipe.yaml.
	Images fs.FS
	// Recipes are the systems that we know how to make.
	Recipes   []string
	Clients   []Driver
	Faults    []string
	Workloads []string
	Checks    []string
}

// A Driver is a kind of client.
type Driver struct {
	Name string
	// Open returns the system as the scenario's clients see it.
	Open func(s *scenarios.Scenario) client.System
}

// recipes reads all recipes.
func (c Catalog) recipes() (scenarios.Recipes, error) {
	out := scenarios.Recipes{}
	for _, name := range c.Recipes {
		src, err := fs.ReadFile(c.Images, name+"/recipe.yaml")
		if err != nil {
			return nil, fmt.Errorf("read recipe %s: %w", name, err)
		}
		recipe, err := scenarios.ParseRecipe(name, src)
		if err != nil {
			return nil, fmt.Errorf("read recipe %s: %w", name, err)
		}
		out[name] = recipe
	}
	return out, nil
}

// system opens the driver that the scenario's client names.
func (c Catalog) system(s *scenarios.Scenario) (client.System, error) {
	var known []string
	for _, d := range c.Clients {
		if d.Name == s.Client.Use {
			return d.Open(s), nil
		}
		known = append(known, d.Name)
	}
	return nil, usage(fmt.Errorf("there is no client %q", s.Client.Use), "there are "+oneOf(known))
}
