// Package containerd holds Pullgate against the code that nodes run, where that code can be called.
//
// Think of each test as a bet of ten thousand rounds: a random certs.d tree, or a random index and node, is put to
// containerd and to Pullgate, and they must say the same. The rounds are the same in every run; one that fails is printed as
// a row of a table, to become a case of the package at fault.
//
// It is a module of its own, so that containerd stays out of the product's dependencies.
package containerd
