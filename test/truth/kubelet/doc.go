// Package kubelet compares Pullgate with the kubelet's own code.
//
// Think of it as a conversation with two witnesses. A generator makes up what a pod and its node might have: pull secrets,
// a config.json, what credential providers answer, well-formed and not. Both are then asked the same question, what would
// be shown to a registry, and must give the same answer, in the same order. Where they don't, the case is printed as a row
// for the table of webhook/credentials/plugin/providers_kubelet_test.go, so that it stays answered.
//
// The kubelet can't be a dependency of the product, since it asks for replacing all of its modules; so this is a module of
// its own.
package kubelet
