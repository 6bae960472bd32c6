package preflight

// referenceRules returns the rules whose result all uses of an image share.
//
// The order protects against false denials, since a rule reads the verdict that the rules above it left:
//
//  1. Unknown credentials. If a kubelet may have a credential that Pullgate did not try, a refusal becomes NodeCredentials. The
//     unreadable secret is first: its credential may change any verdict, not only a refusal.
//  2. Pull secret problems. They explain a denial, so they follow the rules that decide whether the denial is certain.
func referenceRules() []rule {
	return []rule{
		{"unreadable pull secret", unreadableSecret},
		{"incomplete node credentials", incompleteNodeCredentials},
		{"node identity", nodeIdentity},
		{"pull secret problems", pullSecretProblems},
	}
}

// useRules returns the rules that depend on one use: on its pull policy, and on its place in the pod.
//
// They follow the reference rules, and their order protects against false denials too:
//
//  1. Cached image. With the image on its node the kubelet does not pull, so no failure of the registry matters.
//  2. Cached layers. With some layers on its node the runtime may not need the layers that the registry does not serve.
//  3. Pulls of the nodes. They explain a denial, as the problems of pull secrets do.
//  4. Volumes. An unmounted volume excuses a failure that is still certain. An Indeterminate verdict keeps its cause.
//  5. Missing pull secret. It is last, since operators may raise PullSecretMissing to a denial: then a failure that the rules
//     above weaken must not deny.
func useRules() []rule {
	return []rule{
		{"cached image", cachedImage},
		{"cached layers", cachedLayers},
		{"pulls of the nodes", nodePulls},
		{"volume architecture", volumeArchitecture},
		{"unmounted volume", unmountedVolume},
		{"missing pull secret", missingPullSecret},
	}
}
