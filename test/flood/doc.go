// Package flood attacks a running "pullgate serve" from many namespaces at a time, and checks that its memory stays bounded and
// that a namespace without part in the attack gets the right verdicts within its budget.
//
// The webhook runs as a process of its own, because its resident memory is measured. The API server is a stub, and one server
// plays all registries, each at a loopback address of its own. "go test" runs every attack for a moment. "make flood" runs each for
// 20 seconds.
package flood
