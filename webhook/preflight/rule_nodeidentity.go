package preflight

import "github.com/pullgate/pullgate/webhook/imagepull"

// nodeIdentity applies to a registry that is listed in nodes.credentialedRegistries. There the nodes have an identity that
// Pullgate cannot see, such as an instance role that a credential provider uses (kubelet:
// pkg/credentialprovider/plugin/plugins.go, externalCredentialProviderKeyring), so a refusal is not certain. Other failures are: these registries show all accounts the same image.
func nodeIdentity(v imagepull.Verdict, f facts) imagepull.Verdict {
	if !isRefusal(v) || !f.options.CredentialedRegistries.MatchHost(f.reference.Domain) {
		return v
	}
	refusal := "access is denied"
	if v.Reason == imagepull.ReasonNotFound {
		refusal = v.Detail
	}
	return replace(v, imagepull.ReasonNodeCredentials,
		refusal+" with the credentials that Pullgate can see, but the nodes may have an identity of their own")
}
