// Package canary checks that no credential reaches a foreign host or a text. A canary is a user name and a password that occur nowhere
// else. Each vector has pods with a canary and a hostile network, whose hosts record all bytes that they receive.
//
//	pod, pull secrets → webhook.Endpoint → engine → hosts that record
//	pod, pull secrets → pullgate serve → proxy → hosts that record
//	image, pull secrets → pullgate check → proxy → hosts that record
//
// Only the hosts to which a canary belongs may receive it, in any encoding. No log, metric, Event, trace, response or report may have it. As a
// control, its own host must receive it. Otherwise the vector proves nothing, and fails. The package has tests only.
package canary
