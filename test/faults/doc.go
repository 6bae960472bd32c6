// Package faults tests the whole webhook against registries that fail: the responses that the API server
// gets, their time, and the number of requests that a failing registry gets.
//
//	fault matrix   every fault of package registry, at every step of a pull, and every host that is not a registry
//	outage         the number of requests that an unavailable registry gets
//	recovery       the time until a registry that works again is used again
//
// The tests use the real handler, engine and HTTP stack. Only the cluster is missing, and names resolve to registries of the test.
package faults
