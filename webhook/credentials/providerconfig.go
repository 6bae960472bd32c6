package credentials

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

// The versions of a CredentialProviderConfig. They differ in tokenAttributes alone, which only v1 has.
const (
	configGroup    = "kubelet.config.k8s.io/"
	configV1       = configGroup + "v1"
	configV1beta1  = configGroup + "v1beta1"
	configV1alpha1 = configGroup + "v1alpha1"
)

// providerConfig is a CredentialProviderConfig of the kubelet.
type providerConfig struct {
	Kind       string         `json:"kind"`
	APIVersion string         `json:"apiVersion"`
	Providers  []providerSpec `json:"providers"`
}

// providerSpec is one provider of it.
type providerSpec struct {
	Name        string   `json:"name"`
	MatchImages []string `json:"matchImages"`
	// DefaultCacheDuration is a duration as text, so that one which is none can be told with its place.
	DefaultCacheDuration *string          `json:"defaultCacheDuration"`
	APIVersion           string           `json:"apiVersion"`
	Args                 []string         `json:"args"`
	Env                  []variable       `json:"env"`
	TokenAttributes      *tokenAttributes `json:"tokenAttributes"`
}

// variable is part of a provider's environment.
type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// tokenAttributes ask the kubelet to make a token of the pod's service account and to pass it on.
type tokenAttributes struct {
	ServiceAccountTokenAudience          string   `json:"serviceAccountTokenAudience"`
	CacheType                            string   `json:"cacheType"`
	RequireServiceAccount                *bool    `json:"requireServiceAccount"`
	RequiredServiceAccountAnnotationKeys []string `json:"requiredServiceAccountAnnotationKeys"`
	OptionalServiceAccountAnnotationKeys []string `json:"optionalServiceAccountAnnotationKeys"`
}

// readProviderSpecs reads what the kubelet reads: one file, or those of a directory that are YAML or JSON by their names, in
// the order of these. The error names every mistake of the first file that has any.
func readProviderSpecs(files fs.FS, name string) ([]providerSpec, error) {
	names, err := providerFiles(files, name)
	if err != nil {
		return nil, err
	}
	var all []providerSpec
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading: %w", err)
		}
		specs, err := parseProviderSpecs(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, s := range specs {
			if slices.ContainsFunc(all, func(other providerSpec) bool { return other.Name == s.Name }) {
				return nil, fmt.Errorf("%s: provider %q is in another file too: keep one", name, s.Name)
			}
		}
		all = append(all, specs...)
	}
	return all, nil
}

// providerFiles returns the names of the files to read.
func providerFiles(files fs.FS, name string) ([]string, error) {
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
		return nil, errors.New("the directory holds no .json, .yaml or .yml file")
	}
	return names, nil
}

// parseProviderSpecs reads one file as strictly as the kubelet: without unknown or repeated keys.
func parseProviderSpecs(data []byte) ([]providerSpec, error) {
	documents, err := document.Split(data)
	if err != nil {
		return nil, err
	}
	if len(documents) != 1 {
		return nil, fmt.Errorf("it holds %d documents: keep one CredentialProviderConfig in a file", len(documents))
	}
	var config providerConfig
	strict, err := kjson.UnmarshalStrict(documents[0].JSON, &config)
	if err != nil {
		return nil, misshapen(err)
	}
	var problems field.ErrorList
	for _, err := range strict {
		if mistake, ok := errors.AsType[kjson.FieldError](err); ok {
			problems = append(problems, field.Forbidden(field.NewPath(mistake.FieldPath()), "unknown or repeated key"))
		}
	}
	return config.Providers, join(append(problems, config.validate()...))
}

// misshapen tells where a value does not fit, without the value: an environment may hold secrets.
func misshapen(err error) error {
	if mistake, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && mistake.Field != "" {
		return fmt.Errorf("%s: has the wrong type", strings.TrimPrefix(mistake.Field, "."))
	}
	return errors.New("it does not have the shape of a CredentialProviderConfig")
}

// join puts each problem on a line of its own.
func join(problems field.ErrorList) error {
	all := make([]error, 0, len(problems))
	for _, problem := range problems {
		all = append(all, problem)
	}
	return errors.Join(all...)
}
