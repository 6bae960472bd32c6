// Package flood attacks a running "pullgate serve" from many namespaces at a time. Its memory must stay bounded, and a namespace
// without part in the attack must get the right verdicts within its budget.
//
// The webhook runs as a process of its own, because its resident memory is measured. The API server is a stub, and one server
// plays all registries, each at a loopback address of its own. "go test" runs every attack for a moment. "make flood" runs each for
// 20 seconds.
package flood
