package imagepull

// Fix returns the next step for the pod's author in a few words, or "" for a pullable image.
func (r Reason) Fix() string {
	switch r {
	case ReasonInvalidImageName:
		return "correct the image name"
	case ReasonInvalidPullSecret:
		return "recreate the pull secret with kubectl create secret docker-registry"
	case ReasonNotFound:
		return "push the image or correct its name"
	case ReasonAccessDenied:
		return "list a pull secret that gives access in imagePullSecrets"
	case ReasonPlatformMismatch:
		return "build the image for the nodes' platform or select other nodes"
	case ReasonUnsupportedImage:
		return "rebuild the image as an OCI or Docker schema 2 image"
	case ReasonInsecureRegistry:
		return "serve the registry over TLS or allow plain HTTP on the nodes and in egress.insecureRegistries"
	case ReasonBlobMissing:
		return "push the image again"
	case ReasonNeverPresent:
		return "load the image onto the nodes or change imagePullPolicy"
	case ReasonPullSecretMissing:
		return "create the pull secret or correct its name in imagePullSecrets"
	case ReasonNotARegistry:
		return "check the registry's name, and whether a proxy or firewall answers in its place"
	case ReasonRegistryUnavailable:
		return "check the registry's name and that it is up"
	case ReasonRateLimited:
		return "wait, or pull with an account that has a higher limit"
	case ReasonDeadlineExceeded:
		return "try again"
	case ReasonNodeCredentials, ReasonNodeLocalRegistry, ReasonNodeCache, ReasonNodeCacheUnreported, ReasonSomePlatforms:
		return "it depends on the node"
	case ReasonEgressForbidden:
		return "ask the cluster's operators to allow the registry in Pullgate's egress settings"
	case ReasonTooManyImages:
		return "use fewer images, or ask the cluster's operators to raise limits.usesPerObject"
	case ReasonPullable, ReasonPresentOnNode, ReasonNotChecked:
	}
	return ""
}
