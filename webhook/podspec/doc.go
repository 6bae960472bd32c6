// Package podspec lists the images of an object that is a pod or creates pods.
//
//	object (JSON) → pod spec of its kind → []imagepull.Use: reference and pull policy
//
// The reference is parsed as in the kubelet, and the pull policy is defaulted as in the API server. The package is pure, and the
// only one that parses image names, so that no second grammar exists:
//
//	object, err := podspec.Decode(raw)
//	object.Pod.Uses[0].Reference.Domain // "registry.example"
package podspec
