package credentials

import corev1 "k8s.io/api/core/v1"

// contents is what the kubelet makes of one secret or file.
type contents struct {
	ring Keyring
	// invalid says why it breaks every pull; empty when it does not.
	invalid string
	// ignored says why it opens no registry; empty when it does.
	ignored string
}

// readSecret decodes a secret as the kubelet does. Where it passes a secret over in silence, the cause is noted.
func readSecret(secret *corev1.Secret, source string) contents {
	switch secret.Type {
	case corev1.SecretTypeDockerConfigJson:
		return read(secret.Data[corev1.DockerConfigJsonKey], source, parseDockerConfig)
	case corev1.SecretTypeDockercfg:
		return read(secret.Data[corev1.DockerConfigKey], source, parseDockercfg)
	case corev1.SecretTypeOpaque, "":
		return contents{ignored: "its type is Opaque, not kubernetes.io/dockerconfigjson"}
	default:
		return contents{ignored: "its type is not kubernetes.io/dockerconfigjson"}
	}
}

// read decodes the data of a secret or file of the right type.
func read(data []byte, source string, parse func([]byte, string) ([]entry, error)) contents {
	if len(data) == 0 {
		return contents{ignored: "it holds no docker config"}
	}
	list, err := parse(data, source)
	if err != nil {
		return contents{invalid: err.Error()}
	}
	if len(list) == 0 {
		return contents{ignored: "its docker config lists no registry"}
	}
	return contents{ring: newKeyring(list)}
}
