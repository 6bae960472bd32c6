// Package egress sends HTTP requests to registries within the operator's rules.
//
//	gateway, err := egress.New(egress.Options{Rules: egress.Rules{DenyPrivate: true}})
//	transports, err := gateway.Connect(egress.Destination{…})
//	resp, err := transports.Content.RoundTrip(req)
//
// Registries and the authors of images choose the hosts in references, redirects and challenges. Each request, redirected ones
// included, passes the same steps. The host is checked by name, and the plain HTTP rule is applied. Then the request is sent
// through the proxy, or through the dialler, which checks the resolved address. Redirects are bounded. They keep the credential
// within the host name, as on a node. Encoded bodies are decoded.
// All long bodies share a budget of memory.
package egress
