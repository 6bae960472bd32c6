package imagepull

import "time"

// Origin names the source of a verdict, as one word of a closed vocabulary.
type Origin string

// The origins. The zero value "" is a verdict that Pullgate reached without a request to a registry.
const (
	// OriginRegistry: a request was sent for this check, or for a concurrent one.
	OriginRegistry Origin = "registry"
	// OriginCache: the verdict is a fresh entry of the cache.
	OriginCache Origin = "cache"
	// OriginBackoff: the registry is in backoff, and the verdict is the result of the last request.
	OriginBackoff Origin = "backoff"
)

// Provenance returns the origin of the verdict and its age, such as "cache 12s".
func (v Verdict) Provenance() string {
	switch v.Origin {
	case "":
		return "none"
	case OriginRegistry:
		return string(v.Origin)
	case OriginCache, OriginBackoff:
	}
	return string(v.Origin) + " " + v.Age.Round(time.Second).String()
}
