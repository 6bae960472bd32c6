// Package egress sends HTTP requests to registries within the operator's rules.
//
//	policy, err := egress.NewPolicy(egress.Rules{DenyPrivate: true})
//	pool, err := egress.NewPool(egress.Options{Policy: policy, …})
//	transports, err := pool.Transports(egress.TransportOptions{…})
//	resp, err := transports.Content.RoundTrip(req)
//
// Registries and the authors of images choose the hosts in references, redirects and challenges. Each request, redirected ones
// included, passes the same steps. The policy checks the host by name, and applies the rule for plain HTTP. Then the transport
// sends the request through the proxy, or directly: the policy then checks the resolved address while dialling. Redirects are
// bounded. They keep the credential within the host name, as on a node. The TLS settings and the header of a host are for its own
// name only. Encoded bodies are decoded. All long bodies share a budget of memory.
package egress
