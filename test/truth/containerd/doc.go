// Package containerd compares Pullgate with containerd's own code.
//
// Each test has ten thousand rounds. A round generates a random certs.d tree, a random index and node, or random refusals, and passes
// it to containerd and to Pullgate. Both must return the same. The rounds are the same in every run. A failing round
// is printed in a form that can become a test case of the package at fault.
//
// The package is a module of its own, so that the product does not depend on containerd.
package containerd
