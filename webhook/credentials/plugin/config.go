package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"

	"github.com/pullgate/pullgate/webhook/document"
)

// The versions of a CredentialProviderConfig. Only v1 has tokenAttributes; they are equal otherwise.
const (
	configGroup    = "kubelet.config.k8s.io/"
	configV1       = configGroup + "v1"
	configV1beta1  = configGroup + "v1beta1"
	configV1alpha1 = configGroup + "v1alpha1"
)

// credentialProviderConfig is a CredentialProviderConfig of the kubelet.
type credentialProviderConfig struct {
	Kind       string               `json:"kind"`
	APIVersion string               `json:"apiVersion"`
	Providers  []credentialProvider `json:"providers"`
}

// credentialProvider is a CredentialProvider of the kubelet.
type credentialProvider struct {
	Name        string   `json:"name"`
	MatchImages []string `json:"matchImages"`
	// DefaultCacheDuration is a text, so that the error about an invalid duration has a path.
	DefaultCacheDuration *string          `json:"defaultCacheDuration"`
	APIVersion           string           `json:"apiVersion"`
	Args                 []string         `json:"args"`
	Env                  []execEnvVar     `json:"env"`
	TokenAttributes      *tokenAttributes `json:"tokenAttributes"`
}

// execEnvVar is an environment variable of a provider.
type execEnvVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// tokenAttributes is a ServiceAccountTokenAttributes of the kubelet, which then sends a token of the pod's service account
// to the provider.
type tokenAttributes struct {
	ServiceAccountTokenAudience          string   `json:"serviceAccountTokenAudience"`
	CacheType                            string   `json:"cacheType"`
	RequireServiceAccount                *bool    `json:"requireServiceAccount"`
	RequiredServiceAccountAnnotationKeys []string `json:"requiredServiceAccountAnnotationKeys"`
	OptionalServiceAccountAnnotationKeys []string `json:"optionalServiceAccountAnnotationKeys"`
}

// readConfig reads one file, or the files of a directory with a YAML or JSON extension, sorted by name (kubelet:
// pkg/credentialprovider/plugin/config.go, readCredentialProviderConfig). It returns an error with all mistakes of the
// first file that has one.
func readConfig(files fs.FS, name string) ([]credentialProvider, error) {
	names, err := listFiles(files, name)
	if err != nil {
		return nil, err
	}
	var all []credentialProvider
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading: %w", err)
		}
		providers, err := parseConfig(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, p := range providers {
			if slices.ContainsFunc(all, func(other credentialProvider) bool { return other.Name == p.Name }) {
				return nil, fmt.Errorf("%s: provider %q is in another file too: keep one", name, p.Name)
			}
		}
		all = append(all, providers...)
	}
	return all, nil
}

// listFiles returns the names of the files to read.
func listFiles(files fs.FS, name string) ([]string, error) {
	info, err := fs.Stat(files, name)
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := fs.ReadDir(files, name)
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && slices.Contains([]string{".json", ".yaml", ".yml"}, path.Ext(e.Name())) {
			names = append(names, path.Join(name, e.Name()))
		}
	}
	if len(names) == 0 {
		return nil, errors.New("the directory has no .json, .yaml or .yml file")
	}
	return names, nil
}

// parseConfig parses one file as strictly as the kubelet: unknown and repeated keys are errors.
func parseConfig(data []byte) ([]credentialProvider, error) {
	documents, err := document.Split(data)
	if err != nil {
		return nil, err
	}
	if len(documents) != 1 {
		return nil, fmt.Errorf("it has %d documents: keep one CredentialProviderConfig in a file", len(documents))
	}
	var config credentialProviderConfig
	strict, err := kjson.UnmarshalStrict(documents[0].JSON, &config)
	if err != nil {
		return nil, typeError(err)
	}
	var mistakes field.ErrorList
	for _, err := range strict {
		if mistake, ok := errors.AsType[kjson.FieldError](err); ok {
			mistakes = append(mistakes, field.Forbidden(field.NewPath(mistake.FieldPath()), "unknown or repeated key"))
		}
	}
	if mistakes = append(mistakes, config.validate()...); len(mistakes) > 0 {
		// Join writes one mistake per line, the aggregate itself all on one line.
		return nil, errors.Join(mistakes.ToAggregate().Errors()...)
	}
	return config.Providers, nil
}

// typeError returns an error with the path of a value of the wrong type. It omits the value: an environment may contain
// secrets.
func typeError(err error) error {
	if mistake, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && mistake.Field != "" {
		return fmt.Errorf("%s: has the wrong type", strings.TrimPrefix(mistake.Field, "."))
	}
	return errors.New("it does not have the shape of a CredentialProviderConfig")
}
