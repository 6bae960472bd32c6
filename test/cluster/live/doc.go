// Package live tests what only a real node can show: it brings clusters of package cluster up, has pods pulled, and takes
// the clusters down, killed half-way or not. Think of it as the proof that the cluster is a real one, and that a machine
// is after it as it was before.
//
// There are only tests in it, and they need Linux, root and the build tag cluster: "make test-cluster" runs them.
package live
