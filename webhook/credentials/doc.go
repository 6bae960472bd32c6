// Package credentials computes the credentials that a kubelet sends to a registry for one pod and one image, in the
// kubelet's order.
//
//	pull secrets (package secrets) ─┐
//	config.json of the nodes ───────┼─ Node ─ Set of a pod ─ Lookup of an image ─ credentials, problems
//	exec plugins (package plugin) ──┘
//
// A [Keyring] holds the entries of one source. The keyring of the pull secrets comes first, then the one of the nodes'
// config.json, then the one of the credential providers. Within a keyring, the most specific key comes first. The
// anonymous credential is used only if no key of any keyring matches.
//
//	node := credentials.Node{Source: source, DockerConfig: config, Providers: providers}
//	set := node.Credentials(ctx, pod)
//	for credential, problem := range set.Lookup(ctx, "docker.io/library/nginx") { … }
//
// A [Source] returns no error. A secret that is invalid, missing, ignored by kubelets or unreadable for Pullgate is a
// fact about the pod, and each of these facts has its own field in [Set]. A credential provider that fails is a
// [Problem] as well.
//
// The package follows the kubelet's pkg/credentialprovider, its oddities included. Docker and most libraries have other
// rules, so this package implements them itself.
package credentials
