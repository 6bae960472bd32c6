package preflight

import "github.com/pullgate/pullgate/webhook/imagepull"

// nodePulls compares a refusal with the images that nodes report. A node that has pulled from the registry reaches it by the
// means that it needs, and Pullgate does not know these means.
//
//   - Plain HTTP: the nodes are configured for it, or reach the registry by another way.
//   - Denied access: the nodes had a credential for another image. That does not give access to this one, so that the denial stays,
//     and its detail names the fact.
func nodePulls(v imagepull.Verdict, f facts) imagepull.Verdict {
	if v.Reason != imagepull.ReasonInsecureRegistry && v.Reason != imagepull.ReasonAccessDenied {
		return v
	}
	if !f.candidates.HavePulledFrom(f.reference.Domain) {
		return v
	}
	const fact = "nodes report images that they pulled from this registry"
	if v.Reason == imagepull.ReasonInsecureRegistry {
		v = replace(v, imagepull.ReasonRegistryUnavailable, v.Detail+" to Pullgate, but "+fact)
		v.Fix = "list the registry in egress.insecureRegistries if nodes use plain HTTP"
		return v
	}
	v.Detail += "; " + fact
	return v
}
