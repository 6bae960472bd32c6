package config

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// longestWebhookTimeout is the largest timeoutSeconds that the API server accepts for a webhook.
const longestWebhookTimeout = 30 * time.Second

// longestRest keeps a slip of the pen from leaving a registry alone for good.
const longestRest = time.Hour

// validate returns everything that is wrong with the values.
func validate(c Configuration) field.ErrorList {
	return slices.Concat(
		oneOf(field.NewPath("apiVersion"), c.APIVersion, []string{APIVersion}),
		oneOf(field.NewPath("kind"), c.Kind, []string{Kind}),
		oneOf(field.NewPath("defaultMode"), c.DefaultMode, policy.Modes()),
		validateActions(c.Actions, field.NewPath("actions")),
		validateRetry(c.Retry, field.NewPath("retry")),
		validateBackoff(c.Backoff, field.NewPath("backoff")),
		validateTimeouts(c.Timeouts, field.NewPath("timeouts")),
		validateCache(c.Cache, field.NewPath("cache")),
		validateLimits(c.Limits, field.NewPath("limits")),
		validateNodes(c.Nodes, field.NewPath("nodes")),
		validateDeep(c, field.NewPath("deep")),
		validateEgress(c.Egress, field.NewPath("egress")),
		hosts(field.NewPath("skipRegistries"), c.SkipRegistries),
	)
}

// validateActions wants known words. To deny doubt is the operators' choice; to deny what nodes can pull is nobody's.
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

func validateRetry(r Retry, path *field.Path) field.ErrorList {
	return slices.Concat(
		atLeast(path.Child("initialDelay"), r.InitialDelay.Duration, 0),
		atLeast(path.Child("factor"), r.Factor, 1),
		atLeast(path.Child("jitter"), r.Jitter, 0),
		atMost(path.Child("jitter"), r.Jitter, 1),
		atLeast(path.Child("maxAttempts"), r.MaxAttempts, 1),
	)
}

func validateBackoff(b Backoff, path *field.Path) field.ErrorList {
	return slices.Concat(
		moreThanZero(path.Child("initialDelay"), b.InitialDelay.Duration),
		within(path.Child("initialDelay"), b.InitialDelay.Duration, part{path.Child("maxDelay"), b.MaxDelay.Duration}),
		atLeast(path.Child("factor"), b.Factor, 1),
		atMost(path.Child("maxDelay"), b.MaxDelay.Duration, longestRest),
	)
}

// validateCache takes zero for a lifetime: then nothing of that kind is remembered.
func validateCache(c Cache, path *field.Path) field.ErrorList {
	return slices.Concat(
		atLeast(path.Child("maxEntries"), c.MaxEntries, 1),
		atLeast(path.Child("tagTTL"), c.TagTTL.Duration, 0),
		atLeast(path.Child("digestTTL"), c.DigestTTL.Duration, 0),
		atLeast(path.Child("notFoundTTL"), c.NotFoundTTL.Duration, 0),
		atLeast(path.Child("deniedTTL"), c.DeniedTTL.Duration, 0),
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

// validateTimeouts wants each part to fit into its whole: a longer one would never be reached, and hide that it isn't.
func validateTimeouts(t Timeouts, path *field.Path) field.ErrorList {
	return slices.Concat(
		moreThanZero(path.Child("admission"), t.Admission.Duration),
		atMost(path.Child("admission"), t.Admission.Duration, longestWebhookTimeout),
		moreThanZero(path.Child("request"), t.Request.Duration),
		within(path.Child("request"), t.Request.Duration, part{path.Child("admission"), t.Admission.Duration}),
		moreThanZero(path.Child("connect"), t.Connect.Duration),
		within(path.Child("connect"), t.Connect.Duration, part{path.Child("request"), t.Request.Duration}),
		atLeast(path.Child("headroom"), t.Headroom.Duration, 0),
		atMost(path.Child("headroom"), t.Headroom.Duration, longestWebhookTimeout-time.Second),
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
	)
}

func validateLocalImagePull(path *field.Path, n Nodes) field.ErrorList {
	if !n.LocalImagePull || n.Runtime != imagepull.RuntimeCRIO {
		return nil
	}
	return field.ErrorList{field.Forbidden(path, "is a setting of containerd's: remove the key, or correct runtime")}
}

// validateHostsDir refuses a list of directories. By default containerd takes one for a single name, which does not exist
// (containerd: core/transfer/registry/registry.go), so that nodes with a list have no mirrors at all.
func validateHostsDir(path *field.Path, n Nodes) field.ErrorList {
	switch {
	case n.HostsDir != "" && n.Runtime == imagepull.RuntimeCRIO:
		return field.ErrorList{field.Forbidden(path, "hosts.toml is containerd's, and CRI-O does not read it: remove the key, or correct runtime")}
	case strings.ContainsRune(n.HostsDir, os.PathListSeparator):
		return invalid(path, n.HostsDir, "must be one directory: nodes whose config_path is a list ignore all of it")
	}
	return nil
}

// validateDeep refuses to go on where it is not known how the nodes would.
func validateDeep(c Configuration, path *field.Path) field.ErrorList {
	if !c.Deep || c.Nodes.Runtime != imagepull.RuntimeCRIO {
		return nil
	}
	return field.ErrorList{field.Forbidden(path, "follows containerd, and what CRI-O fetches is not known: remove it, or correct nodes.runtime")}
}

// validateCredentialProvider wants both keys or none, as the kubelet wants its flags.
func validateCredentialProvider(p CredentialProvider, path *field.Path) field.ErrorList {
	switch {
	case p.Config == "" && p.BinDir != "":
		return field.ErrorList{field.Required(path.Child("config"), "goes with binDir")}
	case p.Config != "" && p.BinDir == "":
		return field.ErrorList{field.Required(path.Child("binDir"), "goes with config")}
	}
	return nil
}

func validateEgress(e Egress, path *field.Path) field.ErrorList {
	return slices.Concat(
		targets(path.Child("allow"), e.Allow),
		targets(path.Child("deny"), e.Deny),
		oneOf(path.Child("privateNetworks"), e.PrivateNetworks, []NetworkAccess{NetworkAllow, NetworkDeny}),
		hosts(path.Child("insecureRegistries"), e.InsecureRegistries),
	)
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

// part is the duration that another has to fit into.
type part struct {
	path  *field.Path
	value time.Duration
}

func within(path *field.Path, value time.Duration, whole part) field.ErrorList {
	if value <= whole.value {
		return nil
	}
	return invalid(path, value, fmt.Sprintf("must be at most %s, which is %s", whole.path, whole.value))
}

// each judges the items of a list by what problem says of them.
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

// problem is what an error says; empty when there is none.
func problem(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func each(path *field.Path, items []string, problem func(string) string) field.ErrorList {
	var all field.ErrorList
	for i, item := range items {
		if detail := problem(item); detail != "" {
			all = append(all, invalid(path.Index(i), item, detail)...)
		}
	}
	return all
}

// invalid shows a value as it would be written, durations not in nanoseconds.
func invalid(path *field.Path, value any, detail string) field.ErrorList {
	if duration, ok := value.(time.Duration); ok {
		value = duration.String()
	}
	return field.ErrorList{field.Invalid(path, value, detail)}
}
