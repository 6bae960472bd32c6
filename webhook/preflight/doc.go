// Package preflight predicts whether the kubelet can pull the images of a pod.
//
//	pod ─ prechecks ─ verdict without any request
//	    └ credentials ─ lookup of each distinct image ─ rules for a reference ─ rules for a use ─ findings
//
// A [Checker] works as the kubelet does: it collects the credentials of the pod and of its nodes, and tries each of them
// for an image until one works. All images are looked up in parallel, and each distinct image only once.
// Check returns one finding for each use, in order. An image without a verdict at the deadline is DeadlineExceeded. A denial
// needs a response that the registry gave twice: confirm.go.
//
//	checker := preflight.New(preflight.Options{Resolver: registry, Credentials: secrets, Nodes: inventory})
//	findings := checker.Check(ctx, pod, spec)
//
// An image that resolves is followed as a node does: to the manifests of an index for the nodes' platforms, and with a deep check
// to all of its parts.
//
// The registry's response is not yet the verdict. Rules weaken it if a node may have credentials or images that
// Pullgate cannot see. They are ordered lists in rules.go, with one file for each rule.
package preflight
