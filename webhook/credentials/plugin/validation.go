package plugin

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/pullgate/pullgate/webhook/credentials"
)

// requestV1 is the newest version of the requests to a provider, and the only one with a token.
const requestV1 = "credentialprovider.kubelet.k8s.io/v1"

func requestVersions() []string {
	return []string{requestV1, "credentialprovider.kubelet.k8s.io/v1beta1", "credentialprovider.kubelet.k8s.io/v1alpha1"}
}

// validate returns the mistakes of a file by the rules of the kubelet (pkg/credentialprovider/plugin/config.go,
// validateCredentialProviderConfig). A kubelet does not start with such a file.
func (c credentialProviderConfig) validate() field.ErrorList {
	var all field.ErrorList
	if versions := []string{configV1, configV1beta1, configV1alpha1}; !slices.Contains(versions, c.APIVersion) {
		all = append(all, field.NotSupported(field.NewPath("apiVersion"), c.APIVersion, versions))
	}
	if kind := "CredentialProviderConfig"; c.Kind != kind {
		all = append(all, field.NotSupported(field.NewPath("kind"), c.Kind, []string{kind}))
	}
	path := field.NewPath("providers")
	if len(c.Providers) == 0 {
		all = append(all, field.Required(path, "list at least one"))
	}
	for i, p := range c.Providers {
		all = append(all, p.validate(path.Index(i))...)
		if p.TokenAttributes != nil && c.APIVersion != configV1 {
			all = append(all, field.Forbidden(path.Index(i).Child("tokenAttributes"), "needs apiVersion "+configV1))
		}
		if slices.ContainsFunc(c.Providers[:i], func(other credentialProvider) bool { return other.Name == p.Name }) {
			all = append(all, field.Duplicate(path.Index(i).Child("name"), p.Name))
		}
	}
	return all
}

func (p credentialProvider) validate(path *field.Path) field.ErrorList {
	all := slices.Concat(
		validateName(p.Name, path.Child("name")),
		validateMatchImages(p.MatchImages, path.Child("matchImages")),
		p.validateDuration(path.Child("defaultCacheDuration")),
	)
	if !slices.Contains(requestVersions(), p.APIVersion) {
		all = append(all, field.NotSupported(path.Child("apiVersion"), p.APIVersion, requestVersions()))
	}
	if p.TokenAttributes != nil {
		all = append(all, p.TokenAttributes.validate(path.Child("tokenAttributes"))...)
		if p.APIVersion != requestV1 {
			all = append(all, field.Forbidden(path.Child("tokenAttributes"), "needs a provider of apiVersion "+requestV1))
		}
	}
	return all
}

// validateName requires a name that stays within the directory of the programs.
func validateName(name string, path *field.Path) field.ErrorList {
	switch {
	case name == "":
		return field.ErrorList{field.Required(path, "must be the name of an executable")}
	case name == ".", name == "..", strings.ContainsAny(name, "/ "):
		return field.ErrorList{field.Invalid(path, name, "must be the name of an executable, without path and spaces")}
	}
	return nil
}

func validateMatchImages(patterns []string, path *field.Path) field.ErrorList {
	if len(patterns) == 0 {
		return field.ErrorList{field.Required(path, "list at least one")}
	}
	var all field.ErrorList
	for i, p := range patterns {
		if credentials.ParsePattern(p).IsZero() {
			all = append(all, field.Invalid(path.Index(i), p, `must be such as "registry.example" or "*.registry.example/team"`))
		}
	}
	return all
}

func (p credentialProvider) validateDuration(path *field.Path) field.ErrorList {
	if p.DefaultCacheDuration == nil {
		return field.ErrorList{field.Required(path, `must be a duration such as "10m", or "0s"`)}
	}
	if d, err := time.ParseDuration(*p.DefaultCacheDuration); err != nil || d < 0 {
		return field.ErrorList{field.Invalid(path, *p.DefaultCacheDuration, `must be a duration such as "10m", or "0s"`)}
	}
	return nil
}

func (t tokenAttributes) validate(path *field.Path) field.ErrorList {
	var all field.ErrorList
	if t.ServiceAccountTokenAudience == "" {
		all = append(all, field.Required(path.Child("serviceAccountTokenAudience"), "must name the audience of the token"))
	}
	if t.RequireServiceAccount == nil {
		all = append(all, field.Required(path.Child("requireServiceAccount"), "must be true or false"))
	}
	if types := []string{"ServiceAccount", "Token"}; !slices.Contains(types, t.CacheType) {
		all = append(all, field.NotSupported(path.Child("cacheType"), t.CacheType, types))
	}
	return all
}

// cacheDuration returns the default cache duration of a validated provider.
func (p credentialProvider) cacheDuration() time.Duration {
	d, _ := time.ParseDuration(*p.DefaultCacheDuration)
	return d
}
