// Package install tests the ways to install Pullgate: install.yaml, kustomize, and the Helm chart.
//
//	manifests → make, kustomize, helm, kubectl → objects → a real API server without nodes and controllers
//
// The package has tests only. They need the build tag install, the directory with the control plane's binaries in
// KUBEBUILDER_ASSETS, and helm and kustomize in bin. "make test-install" provides them. No pod runs here: test/e2e installs on
// real nodes.
package install
