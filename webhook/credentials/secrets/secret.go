package secrets

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/credentials"
)

// contents is a decoded pull secret or docker config file.
type contents struct {
	keyring credentials.Keyring
	// invalid is the reason why it fails every pull; empty if it does not.
	invalid string
	// ignored is the reason why it has no credential; empty if it has one.
	ignored string
}

// decodeSecret decodes a secret as the kubelet does. If the kubelet ignores the secret silently, the contents have the
// reason.
func decodeSecret(secret *corev1.Secret, source string) contents {
	switch secret.Type {
	case corev1.SecretTypeDockerConfigJson:
		return decode(secret.Data[corev1.DockerConfigJsonKey], source, credentials.ParseDockerConfig)
	case corev1.SecretTypeDockercfg:
		return decode(secret.Data[corev1.DockerConfigKey], source, credentials.ParseDockercfg)
	case corev1.SecretTypeOpaque, "":
		return contents{ignored: "its type is Opaque, not kubernetes.io/dockerconfigjson"}
	default:
		return contents{ignored: "its type is not kubernetes.io/dockerconfigjson"}
	}
}

// decode decodes the data of a secret or file of the right type.
func decode(data []byte, source string, parse func([]byte, string) (credentials.DockerConfig, error)) contents {
	if len(data) == 0 {
		return contents{ignored: "it contains no docker config"}
	}
	config, err := parse(data, source)
	if err != nil {
		return contents{invalid: err.Error()}
	}
	if len(config) == 0 {
		return contents{ignored: "its docker config lists no registry"}
	}
	return contents{keyring: credentials.NewKeyring(config)}
}

// size estimates the memory of the contents in bytes.
func (c contents) size() int { return c.keyring.Size() }

// addProblem adds the problem of the contents, if there is one, to a set.
func (c contents) addProblem(set *credentials.Set, subject string) {
	if c.invalid != "" {
		set.Invalid = append(set.Invalid, credentials.Problem{Subject: subject, Detail: c.invalid})
	}
	if c.ignored != "" {
		set.Ignored = append(set.Ignored, credentials.Problem{Subject: subject, Detail: c.ignored})
	}
}

// maxName is the longest name that an object can have. The name of a pull secret in a pod may be longer.
const maxName = 253

// subject returns the subject of a problem with a pull secret.
func subject(name string) string {
	return fmt.Sprintf("pull secret %q", name[:min(len(name), maxName)])
}
