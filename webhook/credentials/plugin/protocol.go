package plugin

import (
	"encoding/json"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// The errors of a response. They quote nothing of it, because it may be a secret.
var (
	errResponseFormat  = errors.New("its response is not the JSON of a CredentialProviderResponse")
	errResponseVersion = errors.New("its response has another apiVersion than the configuration")
	errCacheKeyType    = errors.New("its response has a cacheKeyType other than Image, Registry and Global")
)

// request is the standard input of a provider: a CredentialProviderRequest of the kubelet. All versions have these fields.
// The token of a service account is left out, because Pullgate may not create one.
type request struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Image      string `json:"image"`
}

// newRequest returns the request for a repository, as the kubelet writes it.
func newRequest(apiVersion, repository string) ([]byte, error) {
	data, err := json.Marshal(request{Kind: "CredentialProviderRequest", APIVersion: apiVersion, Image: repository})
	if err != nil {
		return nil, fmt.Errorf("encoding a request: %w", err)
	}
	return append(data, '\n'), nil
}

// response is the standard output of a provider: a CredentialProviderResponse of the kubelet.
type response struct {
	Kind          string                `json:"kind"`
	APIVersion    string                `json:"apiVersion"`
	CacheKeyType  string                `json:"cacheKeyType"`
	CacheDuration *metav1.Duration      `json:"cacheDuration"`
	Auth          map[string]authConfig `json:"auth"`
}

// authConfig is a user name and a password. Both may be empty.
type authConfig struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// parseResponse parses a response as strictly as the kubelet, which rejects unknown and repeated fields.
func parseResponse(data []byte, apiVersion string) (response, error) {
	var r response
	strict, err := kjson.UnmarshalStrict(data, &r)
	switch {
	case err != nil, len(strict) > 0, r.Kind != "CredentialProviderResponse":
		return response{}, errResponseFormat
	case r.APIVersion != apiVersion:
		return response{}, errResponseVersion
	}
	return r, nil
}

// cacheKey returns the key under which the response for a repository is cached.
func (r response) cacheKey(repository string) (string, error) {
	image, registry, global := cacheKeys(repository)
	switch r.CacheKeyType {
	case "Image":
		return image, nil
	case "Registry":
		return registry, nil
	case "Global":
		return global, nil
	}
	return "", errCacheKeyType
}

// dockerConfig returns the credentials of the response.
func (r response) dockerConfig(source string) credentials.DockerConfig {
	config := make(credentials.DockerConfig, len(r.Auth))
	for registry, a := range r.Auth {
		config[registry] = imagepull.Credential{Username: a.Username, Password: a.Password, Source: source}
	}
	return config
}
