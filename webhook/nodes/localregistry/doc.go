// Package localregistry finds the address of a cluster's local registry (KEP-1755).
//
//	ConfigMap kube-public/local-registry-hosting ─ Hosting ─ Address(host of an image)
//
// Images name such a registry by a host that only the nodes reach, such as localhost:5001. The cluster may describe
// the address that pods reach. [Read] reads the description once, and a [Watcher] follows it.
//
//	hosting, err := localregistry.Read(ctx, clientset.CoreV1().ConfigMaps(localregistry.Namespace), log)
//	address, ok := hosting.Address("localhost:5001")
//
// If the description is missing, invalid or forbidden to read, no registry counts as local.
package localregistry
