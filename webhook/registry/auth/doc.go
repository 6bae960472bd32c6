// Package auth authorizes requests to registries.
//
//	session := client.NewSession(endpoint, credential, "shop/web")
//	resp, err := session.RoundTrip(req)
//
// A [Session] is a RoundTripper for one credential and one repository. It sends a request, answers the challenge of a 401 with
// Basic or with a token, and sends the request again. Challenges and tokens are cached in the [Client], so that most requests
// are authorized preemptively. A credential that was refused a moment ago is not sent again, because registries lock accounts
// after a few failed logins.
//
// The requests follow containerd (containerd: core/remotes/docker/authorizer.go). A registry chooses its token service, so
// a credential goes only to a token service of the registry's own domain, or to one that the operator allows.
package auth
