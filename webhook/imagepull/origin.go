package imagepull

import "time"

// Origin is where a verdict comes from: one word of a closed vocabulary.
type Origin string

// The origins. The zero value "" is Pullgate's own judgement, for which no registry was asked.
const (
	// OriginRegistry: the registry was asked for this very question, or for one that came at the same time.
	OriginRegistry Origin = "registry"
	// OriginCache: an earlier answer still holds.
	OriginCache Origin = "cache"
	// OriginBackoff: the registry is left alone for a while, and this is what came of asking it last.
	OriginBackoff Origin = "backoff"
)

// Provenance says in a word or two where the verdict comes from and how old it is, such as "cache 12s".
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
