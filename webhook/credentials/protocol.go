package credentials

import (
	"encoding/json"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
)

// What can be wrong with a provider's answer. Nothing of the answer itself is told, since it may be a secret.
var (
	errAnswerFormat  = errors.New("its answer is not the JSON of a CredentialProviderResponse")
	errAnswerVersion = errors.New("its answer has another apiVersion than the configuration")
	errCacheKeyType  = errors.New("its answer has a cacheKeyType other than Image, Registry and Global")
)

// request is what a provider reads from its standard input: a CredentialProviderRequest of the kubelet, in each of its
// versions. The token of a service account is no part of it, for Pullgate has none to give.
type request struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Image      string `json:"image"`
}

// newRequest returns the request about a repository, as the kubelet writes it.
func newRequest(apiVersion, repository string) ([]byte, error) {
	data, err := json.Marshal(request{Kind: "CredentialProviderRequest", APIVersion: apiVersion, Image: repository})
	if err != nil {
		return nil, fmt.Errorf("encoding a request: %w", err)
	}
	return append(data, '\n'), nil
}

// response is what a provider writes to its standard output: a CredentialProviderResponse.
type response struct {
	Kind          string               `json:"kind"`
	APIVersion    string               `json:"apiVersion"`
	CacheKeyType  string               `json:"cacheKeyType"`
	CacheDuration *metav1.Duration     `json:"cacheDuration"`
	Auth          map[string]authField `json:"auth"`
}

// authField is one user. Both fields may be empty.
type authField struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// parseResponse reads an answer as strictly as the kubelet, which uses none with an unknown or repeated field.
func parseResponse(data []byte, apiVersion string) (response, error) {
	var r response
	strict, err := kjson.UnmarshalStrict(data, &r)
	switch {
	case err != nil, len(strict) > 0, r.Kind != "CredentialProviderResponse":
		return response{}, errAnswerFormat
	case r.APIVersion != apiVersion:
		return response{}, errAnswerVersion
	}
	return r, nil
}

// cacheKey returns under what the answer about a repository is remembered.
func (r response) cacheKey(repository string) (string, error) {
	keys := cacheKeys(repository)
	switch r.CacheKeyType {
	case "Image":
		return keys[0], nil
	case "Registry":
		return keys[1], nil
	case "Global":
		return keys[2], nil
	}
	return "", errCacheKeyType
}

// entries returns the users as a docker config would list them.
func (r response) entries(source string) []entry {
	logins := make(map[string]login, len(r.Auth))
	for registry, a := range r.Auth {
		logins[registry] = login{a.Username, a.Password}
	}
	return entries(logins, source)
}
