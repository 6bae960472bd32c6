// Package engine builds the engine from its configuration. It is the only package that imports all others.
//
// An [Engine] checks the images of a pod, and the webhook and the command line share it:
//
//	configuration, Options → New → Engine
//	pod → Engine.Check → preflight (rules) → resolve (cache, limits, retries) → registry (HTTP) → findings
//
// For example, as a library:
//
//	e, err := engine.New(config.Default(), engine.Options{})
//	…
//	defer e.Close()
//	findings := e.Check(ctx, imagepull.Pod{Uses: []imagepull.Use{podspec.Image("nginx:1.27")}}, nil)
package engine
