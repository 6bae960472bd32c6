// Package stage sets up the environment of a benchmark: a real API server with a namespace, secrets and nodes,
// registries at a distance, and the measured programs.
//
// The measured programs run on half of the machine's cores. The load generator, the API server and the registries run
// on the other half. So they take no processor time from the measured programs. All addresses are on 127.0.0.1.
//
//	s, err := stage.Set(ctx, assets)
//	defer s.Clear()
//	r, err := s.StartRegistry(20 * time.Millisecond)
//	p, err := s.Start(ctx, stage.Program{Path: "bin/pullgate", Args: []string{"serve"}})
package stage
