package main

import (
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// scene is one pod that is applied, and what is expected of it.
type scene struct {
	title string
	// pod is the name of the pod and of its file.
	pod, namespace string
	// outage marks what happens while the registry is stopped.
	outage bool
	want   answer
	// says is what else kubectl has to print, such as the container at fault.
	says string
}

// scenes are in the order in which they are played.
func scenes() []scene {
	const in = enforceNamespace
	return []scene{{
		title: "A good one: the image is there, and for everybody",
		pod:   "good", namespace: in, want: answer{effect: admitted},
	}, {
		title: "A tag that was never pushed",
		pod:   "missing-tag", namespace: in, want: answer{denied, imagepull.ReasonNotFound}, says: `container "web"`,
	}, {
		title: "The same pod, in the namespace that only warns",
		pod:   "missing-tag", namespace: warnNamespace, want: answer{warned, imagepull.ReasonNotFound}, says: `container "web"`,
	}, {
		title: "A repository that does not exist",
		pod:   "missing-repository", namespace: in, want: answer{denied, imagepull.ReasonNotFound}, says: "shop/wbe",
	}, {
		title: "A private image, with the right pull secret",
		pod:   "right-secret", namespace: in, want: answer{effect: admitted},
	}, {
		title: "The same image, with a password that is out of date",
		pod:   "wrong-secret", namespace: in, want: answer{denied, imagepull.ReasonAccessDenied}, says: wrongSecret,
	}, {
		title: "The same image, without a pull secret",
		pod:   "no-secret", namespace: in, want: answer{denied, imagepull.ReasonAccessDenied}, says: "imagePullSecrets",
	}, {
		title: "Something that is not the name of an image",
		pod:   "invalid-name", namespace: in, want: answer{denied, imagepull.ReasonInvalidImageName}, says: "https://",
	}, {
		title: "An index with an image for linux/arm64 only; the nodes are said to be " + nodePlatform,
		pod:   "wrong-platform", namespace: in, want: answer{denied, imagepull.ReasonPlatformMismatch}, says: "linux/arm64",
	}, {
		title: "A good container behind a bad init container",
		pod:   "bad-init-container", namespace: in, want: answer{denied, imagepull.ReasonNotFound}, says: `init container "migrate"`,
	}, {
		title: "A registry that can't be reached: a doubt is no reason to refuse",
		pod:   "unreachable-registry", namespace: in, want: answer{warned, imagepull.ReasonRegistryUnavailable}, says: `container "web"`,
	}, {
		title: "A good image, while nobody can tell",
		pod:   "during-outage", namespace: in, outage: true, want: answer{warned, imagepull.ReasonRegistryUnavailable}, says: `container "queue"`,
	}, {
		title: "The same image, a moment later",
		pod:   "after-outage", namespace: in, want: answer{effect: admitted},
	}}
}
