// Package integration tests what is shipped, against a real API server.
//
// Think of it as an installation whose nodes are objects and nothing else: a real etcd and kube-apiserver, the objects that
// kustomize makes of the manifests, and "pullgate serve" as a process of its own, with the arguments of the shipped Deployment and the token of
// the shipped ServiceAccount. So what passes here is allowed by the shipped roles, selected by the shipped rules and
// understood by the API server. Only what nodes would have to do is replaced: the API server reaches the webhook by a URL
// on this machine instead of a Service, and registries are servers of package test/registry on loopback ports.
//
// There are only tests in it. They need the folder of the control plane's binaries in KUBEBUILDER_ASSETS and a kustomize
// binary, in KUSTOMIZE or where make puts it; "make test" provides both.
package integration
