// Package integration tests the shipped manifests and program against a real API server.
//
//	etcd, kube-apiserver ← manifests (kustomize)
//	kube-apiserver → pullgate serve (arguments of the Deployment, token of the ServiceAccount) → registries (test/registry)
//
// So the tests prove that the shipped roles and rules are sufficient, and that the API server accepts them. The cluster has no
// real nodes: Node objects are created by the tests, and the API server reaches the webhook by a URL on this machine instead
// of a Service.
//
// The package has tests only. They need the directory with the control plane's binaries in KUBEBUILDER_ASSETS, and a kustomize
// binary in KUSTOMIZE or bin. "make test" provides both.
package integration
