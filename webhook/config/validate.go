package config

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// maxWebhookTimeout is the largest timeoutSeconds that the API server accepts for a webhook.
const maxWebhookTimeout = 30 * time.Second

// maxBackoff bounds backoff.maxDelay: with a typo a registry would get no requests for days.
const maxBackoff = time.Hour

// validate returns every invalid value.
func validate(c Configuration) field.ErrorList {
	return slices.Concat(
		oneOf(field.NewPath("apiVersion"), c.APIVersion, []string{APIVersion}),
		oneOf(field.NewPath("kind"), c.Kind, []string{Kind}),
		oneOf(field.NewPath("defaultMode"), c.DefaultMode, policy.Modes()),
		validateActions(c.Actions, field.NewPath("actions")),
		validateExemptions(c.Exemptions, field.NewPath("exemptions")),
		validateRetry(c.Retry, field.NewPath("retry")),
		validateBackoff(c.Backoff, field.NewPath("backoff")),
		validateTimeouts(c.Timeouts, field.NewPath("timeouts")),
		validateCache(c.Cache, field.NewPath("cache")),
		validateLimits(c.Limits, field.NewPath("limits")),
		validateNodes(c.Nodes, field.NewPath("nodes")),
		validateDeep(c, field.NewPath("deep")),
		validateEgress(c.Egress, field.NewPath("egress")),
		hosts(field.NewPath("skipRegistries"), c.SkipRegistries),
		each(field.NewPath("placeholders"), c.Placeholders, placeholderProblem),
	)
}

// validateActions requires known reasons and actions. Operators may deny Indeterminate reasons, but not Pullable ones.
func validateActions(actions map[imagepull.Reason]policy.Action, path *field.Path) field.ErrorList {
	var all field.ErrorList
	for _, reason := range slices.Sorted(maps.Keys(actions)) {
		path := path.Key(string(reason))
		all = append(all, oneOf(path, reason, imagepull.Reasons())...)
		all = append(all, oneOf(path, actions[reason], policy.Actions())...)
		if actions[reason] == policy.ActionDeny && reason.Outcome() == imagepull.Pullable {
			all = append(all, field.Invalid(path, policy.ActionDeny, "nodes can pull such images: use warn or allow"))
		}
	}
	return all
}

// validateExemptions follows the exemptions of Pod Security admission (k8s.io/pod-security-admission: admission/api/validation).
func validateExemptions(e Exemptions, path *field.Path) field.ErrorList {
	return slices.Concat(
		each(path.Child("usernames"), e.Usernames, notEmpty),
		each(path.Child("groups"), e.Groups, notEmpty),
		each(path.Child("namespaces"), e.Namespaces, func(name string) string {
			return strings.Join(validation.IsDNS1123Label(name), ", ")
		}),
		each(path.Child("runtimeClasses"), e.RuntimeClasses, func(name string) string {
			return strings.Join(validation.IsDNS1123Subdomain(name), ", ")
		}),
		validatePodSelector(path.Child("podSelector"), e.PodSelector),
	)
}

func notEmpty(name string) string {
	if strings.TrimSpace(name) == "" {
		return "must not be empty"
	}
	return ""
}

func validatePodSelector(path *field.Path, selector string) field.ErrorList {
	if _, err := labels.Parse(selector); err != nil {
		return invalid(path, selector, `must be a label selector such as "pullgate.dev/exempt=true"`)
	}
	return nil
}

func validateRetry(r Retry, path *field.Path) field.ErrorList {
	return slices.Concat(
		atLeast(path.Child("initialDelay"), r.InitialDelay, 0),
		validateFactor(r.Factor, path.Child("factor")),
		atLeast(path.Child("jitter"), r.Jitter, 0),
		atMost(path.Child("jitter"), r.Jitter, 1),
		atLeast(path.Child("maxAttempts"), r.MaxAttempts, 1),
	)
}

func validateBackoff(b Backoff, path *field.Path) field.ErrorList {
	return slices.Concat(
		moreThanZero(path.Child("initialDelay"), b.InitialDelay),
		within(path.Child("initialDelay"), b.InitialDelay, limit{path.Child("maxDelay"), b.MaxDelay}),
		validateFactor(b.Factor, path.Child("factor")),
		atMost(path.Child("maxDelay"), b.MaxDelay, maxBackoff),
	)
}

func validateFactor(factor float64, path *field.Path) field.ErrorList {
	if math.IsInf(factor, 1) {
		return invalid(path, factor, "must be a finite number")
	}
	return atLeast(path, factor, 1)
}

// The longest time for which a cached verdict may deny a pod. A push or a new permission may fix the cause at any moment.
const (
	maxNotFoundTTL = time.Second
	maxDeniedTTL   = 2 * time.Second
)

// validateCache allows a TTL of zero: verdicts of that kind are not cached.
func validateCache(c Cache, path *field.Path) field.ErrorList {
	return slices.Concat(
		atLeast(path.Child("maxEntries"), c.MaxEntries, 1),
		atLeast(path.Child("tagTTL"), c.TagTTL, 0),
		atLeast(path.Child("digestTTL"), c.DigestTTL, 0),
		atLeast(path.Child("notFoundTTL"), c.NotFoundTTL, 0),
		atMost(path.Child("notFoundTTL"), c.NotFoundTTL, maxNotFoundTTL),
		atLeast(path.Child("deniedTTL"), c.DeniedTTL, 0),
		atMost(path.Child("deniedTTL"), c.DeniedTTL, maxDeniedTTL),
	)
}

func validateLimits(l Limits, path *field.Path) field.ErrorList {
	return slices.Concat(
		atLeast(path.Child("perRegistry"), l.PerRegistry, 1),
		atLeast(path.Child("total"), l.Total, 1),
		atLeast(path.Child("usesPerObject"), l.UsesPerObject, 1),
		atLeast(path.Child("manifestBytes"), l.ManifestBytes, 1),
	)
}

// validateTimeouts requires that each part fits into its whole. A longer part would never end by its own timeout.
func validateTimeouts(t Timeouts, path *field.Path) field.ErrorList {
	return slices.Concat(
		moreThanZero(path.Child("admission"), t.Admission),
		atMost(path.Child("admission"), t.Admission, maxWebhookTimeout),
		moreThanZero(path.Child("request"), t.Request),
		within(path.Child("request"), t.Request, limit{path.Child("admission"), t.Admission}),
		moreThanZero(path.Child("connect"), t.Connect),
		within(path.Child("connect"), t.Connect, limit{path.Child("request"), t.Request}),
		atLeast(path.Child("headroom"), t.Headroom, 0),
		atMost(path.Child("headroom"), t.Headroom, maxWebhookTimeout-time.Second),
	)
}

func validateNodes(n Nodes, path *field.Path) field.ErrorList {
	return slices.Concat(
		oneOf(path.Child("runtime"), n.Runtime, []imagepull.Runtime{imagepull.RuntimeContainerd, imagepull.RuntimeCRIO}),
		validateLocalImagePull(path.Child("localImagePull"), n),
		validateHostsDir(path.Child("hostsDir"), n),
		validateCredentialProvider(n.CredentialProvider, path.Child("credentialProvider")),
		hosts(path.Child("credentialedRegistries"), n.CredentialedRegistries),
		each(path.Child("platforms"), n.Platforms, platformProblem),
		atLeast(path.Child("maxReportedImages"), n.MaxReportedImages, -1),
		oneOf(path.Child("verifyImages"), n.VerifyImages, verifyImages()),
	)
}

func validateLocalImagePull(path *field.Path, n Nodes) field.ErrorList {
	if !n.LocalImagePull || n.Runtime != imagepull.RuntimeCRIO {
		return nil
	}
	return field.ErrorList{field.Forbidden(path, "is a setting of containerd: remove the key, or correct runtime")}
}

// validateHostsDir rejects a list of directories. By default containerd takes a list as one name, which does not exist
// (containerd: core/transfer/registry/registry.go). Nodes with a list have no mirrors at all.
func validateHostsDir(path *field.Path, n Nodes) field.ErrorList {
	switch {
	case n.HostsDir != "" && n.Runtime == imagepull.RuntimeCRIO:
		return field.ErrorList{field.Forbidden(path, "CRI-O does not read hosts.toml files: remove the key, or correct runtime")}
	case strings.ContainsRune(n.HostsDir, os.PathListSeparator):
		return invalid(path, n.HostsDir, "must be one directory: nodes whose config_path is a list ignore it")
	}
	return nil
}

func verifyImages() []imagepull.VerifyImages {
	return []imagepull.VerifyImages{
		imagepull.NeverVerify, imagepull.NeverVerifyPreloadedImages, imagepull.NeverVerifyAllowlistedImages, imagepull.AlwaysVerify,
	}
}

// placeholderProblem returns the mistake in a placeholder, or "". A pattern of wildcards alone would match every image.
func placeholderProblem(pattern string) string {
	if strings.Trim(pattern, "* ") == "" {
		return `must be an image such as "IMAGE" or "$(*)", where * stands for any characters`
	}
	return ""
}

// validateDeep rejects deep checks for CRI-O: the blobs that it fetches are not known.
func validateDeep(c Configuration, path *field.Path) field.ErrorList {
	if !c.Deep || c.Nodes.Runtime != imagepull.RuntimeCRIO {
		return nil
	}
	return field.ErrorList{field.Forbidden(path, "works for containerd only: remove the key, or correct nodes.runtime")}
}

// validateCredentialProvider requires both keys or none, as the kubelet requires both flags or none.
func validateCredentialProvider(p CredentialProvider, path *field.Path) field.ErrorList {
	switch {
	case p.Config == "" && p.BinDir != "":
		return field.ErrorList{field.Required(path.Child("config"), "must be set together with binDir")}
	case p.Config != "" && p.BinDir == "":
		return field.ErrorList{field.Required(path.Child("binDir"), "must be set together with config")}
	}
	return nil
}

func validateEgress(e Egress, path *field.Path) field.ErrorList {
	return slices.Concat(
		targets(path.Child("allow"), e.Allow),
		targets(path.Child("deny"), e.Deny),
		oneOf(path.Child("privateNetworks"), e.PrivateNetworks, []NetworkAccess{NetworkAllow, NetworkDeny}),
		hosts(path.Child("insecureRegistries"), e.InsecureRegistries),
		validateTokenServices(path.Child("tokenServices"), e.TokenServices),
	)
}

// validateTokenServices requires the name of each token service. A pattern could match a host of another owner.
func validateTokenServices(path *field.Path, services []TokenService) field.ErrorList {
	var all field.ErrorList
	for i, s := range services {
		if _, err := hostpattern.ParseHost(s.Registry); err != nil {
			all = append(all, invalid(path.Index(i).Child("registry"), s.Registry, problem(err))...)
		}
		switch _, err := hostpattern.ParseHost(s.Host); {
		case err != nil:
			all = append(all, invalid(path.Index(i).Child("host"), s.Host, problem(err))...)
		case strings.Contains(s.Host, "*"):
			all = append(all, invalid(path.Index(i).Child("host"), s.Host, "must be one host, without *")...)
		}
	}
	return all
}

func oneOf[T ~string](path *field.Path, value T, known []T) field.ErrorList {
	if slices.Contains(known, value) {
		return nil
	}
	return field.ErrorList{field.NotSupported(path, string(value), known)}
}

func atLeast[T cmp.Ordered](path *field.Path, value, least T) field.ErrorList {
	if value >= least {
		return nil
	}
	return invalid(path, value, fmt.Sprintf("must be at least %v", least))
}

func atMost[T cmp.Ordered](path *field.Path, value, most T) field.ErrorList {
	if value <= most {
		return nil
	}
	return invalid(path, value, fmt.Sprintf("must be at most %v", most))
}

func moreThanZero(path *field.Path, value time.Duration) field.ErrorList {
	if value > 0 {
		return nil
	}
	return invalid(path, value, "must be more than 0s")
}

// limit is a duration that bounds another one.
type limit struct {
	path  *field.Path
	value time.Duration
}

func within(path *field.Path, value time.Duration, most limit) field.ErrorList {
	if value <= most.value {
		return nil
	}
	return invalid(path, value, fmt.Sprintf("must be at most %s, which is %s", most.path, most.value))
}

func hosts(path *field.Path, items []string) field.ErrorList {
	return each(path, items, func(text string) string {
		_, err := hostpattern.ParseHost(text)
		return problem(err)
	})
}

func targets(path *field.Path, items []string) field.ErrorList {
	return each(path, items, func(text string) string {
		_, err := hostpattern.ParseTarget(text)
		return problem(err)
	})
}

// problem returns the text of an error, or "".
func problem(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// each returns a mistake for every item for which problem returns one.
func each(path *field.Path, items []string, problem func(string) string) field.ErrorList {
	var all field.ErrorList
	for i, item := range items {
		if detail := problem(item); detail != "" {
			all = append(all, invalid(path.Index(i), item, detail)...)
		}
	}
	return all
}

// invalid prints a duration as it is written in a file, not in nanoseconds. It masks the user name and password of a URL.
func invalid(path *field.Path, value any, detail string) field.ErrorList {
	switch v := value.(type) {
	case time.Duration:
		value = v.String()
	case string:
		value = imagepull.MaskUserinfo(v)
	}
	return field.ErrorList{field.Invalid(path, value, detail)}
}
