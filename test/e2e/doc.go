// Package e2e tests Pullgate in a cluster, installed by the shipped manifests, with a kubelet that pulls images.
//
//	install → enforce a namespace → registry down → restarts, upgrades, outage of Pullgate → uninstall
//
// The package has tests only. They need the build tag e2e, and a cluster whose nodes have the images of Pullgate and of the
// tests' registry. "make test-e2e" starts such a cluster on Linux, and "make test-kind" one of kind. README.md describes
// other clusters.
package e2e
