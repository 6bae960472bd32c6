// Package canary checks that no credential leaves its place: each vector gives a pod a canary, a user name and a password that occur
// nowhere else, and something hostile to meet. Every host of the vector's network records all bytes that it receives.
//
//	pod, pull secrets → webhook.Endpoint → engine → hosts that record
//	image, pull secrets → pullgate check → proxy → hosts that record
//
// Only the hosts to which a canary belongs may receive it, in any encoding, and no log, metric, response or report may have it. As a
// control, the host to which it belongs must receive it: otherwise the vector would show nothing, and fails. It has tests only.
package canary
