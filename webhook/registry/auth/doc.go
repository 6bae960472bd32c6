// Package auth authorizes requests to registries.
//
//	session := client.NewSession(endpoint, credential, "shop/web")
//	resp, err := session.RoundTrip(req)
//
// A [Session] is a RoundTripper for one credential and one repository. It sends a request, answers the challenge of a 401 with
// Basic or with a token, and sends the request again. It does so up to five times, as replicas of a registry may disagree.
// Challenges and tokens are cached in the [Client], so that most requests are authorized preemptively. A cached challenge is for
// one repository and one credential. It changes no result, because only the success of a preemptive request counts.
//
// Registries lock accounts after a few failed logins. One server refuses one password at most ten times in thirty seconds (see
// logins). In one session a registry refuses a password at most four times, and a token service by POST and by GET. Within
// thirty seconds after such a session, others send it once.
//
// The requests follow containerd (containerd: core/remotes/docker/authorizer.go). A registry chooses its token service, so
// a credential goes only to a token service of the registry's own owner, or to one that is named for the registry. Unlike
// a node, Pullgate sends no header of the endpoint to a token service on another host.
package auth
