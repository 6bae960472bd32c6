// Package registry is a container registry for tests. It has accounts and a token service, can be stopped and
// restarted, returns faults on request, and records the requests.
//
// A request passes these handlers of a [Server] in this order:
//
//	request log → faults → authentication → faults with AfterAuth → limits → content
//
// The content is an in-memory registry. The Go API (PushImage and others) writes to the content directly.
//
// A [Network] gives servers the names of real registries, so that a client under test needs no exception for
// 127.0.0.1. A [CA] signs the certificates of these names. A client uses both through a dial function and a
// certificate pool. Outside the process, they touch nothing but loopback sockets.
//
//	server, err := registry.Start(registry.Config{CA: ca})
//	err = network.Add("registry.example", server)
//	digest, err := server.PushImage("shop/web:1.27")
//	client := &http.Client{Transport: network.Transport()}
//
// The package does not import package testing, so that a demonstration can run the same servers as the tests.
package registry
