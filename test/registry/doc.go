// Package registry is a container registry for tests: one that has accounts, gives out tokens, goes down, misbehaves
// when told to, and remembers who asked it what.
//
// Think of a [Server] as a row of desks that every request passes in the same order. The journal writes the request
// down. The faults may spoil it, delay it or swallow it. The gate asks who the caller is and what it may pull, as the
// server's [Config] says. The faults may strike again, now with the caller let in, and the limits count what is left.
// Only then does the content answer: an in-memory registry that knows nothing of all this. The Go API (PushImage and its
// like) walks in by the back door, straight to the content.
//
// A [Network] gives servers the names that real registries have, so that a client under test needs no exception for
// 127.0.0.1, and a [CA] vouches for those names. Both are wired into a client by a dial function and a certificate pool
// and touch nothing outside the process but loopback sockets.
//
// The package does not depend on package testing: a demonstration can run the same servers as the tests.
package registry
