package preflight

import "github.com/pullgate/pullgate/webhook/imagepull"

// incompleteNodeCredentials applies if a source of node credentials failed in Pullgate, such as a credential provider. On the
// node the same source may return a credential (kubelet: pkg/credentialprovider/keyring.go, providersDockerKeyring), so no failure
// with the others is certain: see tryCredentials.
func incompleteNodeCredentials(v imagepull.Verdict, f facts) imagepull.Verdict {
	if len(f.nodeProblems) == 0 || v.Outcome() != imagepull.Unpullable || v.AnyCredential {
		return v
	}
	return replace(v, imagepull.ReasonNodeCredentials,
		"the nodes may have a credential that Pullgate could not get: "+f.nodeProblems[0].String())
}
