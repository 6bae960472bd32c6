// Package e2e tests Pullgate where it is at home: in a cluster, installed by the shipped manifests, with a kubelet that
// really pulls. Think of it as an operator's first day: a Deployment hangs, the gate is switched on and says why, the
// registry fails, Pullgate itself goes away and comes back, and in the end it is removed.
//
// There are only tests in it, and they need a cluster whose nodes hold the images of Pullgate and of the tests' registry,
// and the build tag e2e. "make test-e2e" brings up such a cluster on Linux, "make test-kind" one of kind; see README.md for
// any other.
package e2e
