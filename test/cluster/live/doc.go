// Package live tests package cluster on a real machine. It starts clusters, runs pods in them and stops the clusters,
// also after one of their processes was killed. It checks that the node is real, and that the machine is the same
// afterwards.
//
// The package has only tests. They need Linux, root and the build tag cluster: "make test-cluster" runs them.
package live
