package main

import (
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// example is one pod to apply, with the expected decision.
type example struct {
	title string
	// pod is the name of the pod and of its file.
	pod, namespace string
	// outage is set if the registry is stopped while the pod is applied.
	outage bool
	want   decision
	// wantOutput is further text that kubectl must print, such as the name of the failing container.
	wantOutput string
}

// examples returns the examples in their order.
func examples() []example {
	const in = enforceNamespace
	return []example{{
		title: "A good pod: the image exists and is public",
		pod:   "good", namespace: in, want: decision{effect: admitted},
	}, {
		title: "A tag that was never pushed",
		pod:   "missing-tag", namespace: in, want: decision{denied, imagepull.ReasonNotFound}, wantOutput: `container "web"`,
	}, {
		title: "The same pod, in the namespace that only warns",
		pod:   "missing-tag", namespace: warnNamespace, want: decision{warned, imagepull.ReasonNotFound}, wantOutput: `container "web"`,
	}, {
		title: "A repository that does not exist",
		pod:   "missing-repository", namespace: in, want: decision{denied, imagepull.ReasonNotFound}, wantOutput: "shop/wbe",
	}, {
		title: "A private image, with the right pull secret",
		pod:   "right-secret", namespace: in, want: decision{effect: admitted},
	}, {
		title: "The same image, with an outdated password",
		pod:   "wrong-secret", namespace: in, want: decision{denied, imagepull.ReasonAccessDenied}, wantOutput: wrongSecret,
	}, {
		title: "The same image, without a pull secret",
		pod:   "no-secret", namespace: in, want: decision{denied, imagepull.ReasonAccessDenied}, wantOutput: "imagePullSecrets",
	}, {
		title: "A reference that is not a valid image name",
		pod:   "invalid-name", namespace: in, want: decision{denied, imagepull.ReasonInvalidImageName}, wantOutput: "https://",
	}, {
		title: "An index with an image for linux/arm64 only; the nodes are declared as " + nodePlatform,
		pod:   "wrong-platform", namespace: in, want: decision{denied, imagepull.ReasonPlatformMismatch}, wantOutput: "linux/arm64",
	}, {
		title: "A good container, and an init container whose image is missing",
		pod:   "bad-init-container", namespace: in, want: decision{denied, imagepull.ReasonNotFound}, wantOutput: `init container "migrate"`,
	}, {
		title: "A registry that cannot be reached: an uncertain result is not a reason to deny",
		pod:   "unreachable-registry", namespace: in, want: decision{warned, imagepull.ReasonRegistryUnavailable}, wantOutput: `container "web"`,
	}, {
		title: "A good image, while its registry is stopped",
		pod:   "during-outage", namespace: in, outage: true, want: decision{warned, imagepull.ReasonRegistryUnavailable}, wantOutput: `container "queue"`,
	}, {
		title: "The same image, a moment later",
		pod:   "after-outage", namespace: in, want: decision{effect: admitted},
	}}
}
