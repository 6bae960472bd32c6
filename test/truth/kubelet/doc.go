// Package kubelet compares Pullgate with the kubelet's own code.
//
// A generator creates random cases: pull secrets, a config.json and the output of credential providers, valid or not.
// Both sides look up the credentials for a repository. They must return the same ones in the same order. A failing
// case is printed as a row for the table of webhook/credentials/plugin/providers_kubelet_test.go.
//
// The package is a module of its own, because the kubelet's module requires replacing all of its dependencies.
package kubelet
