package nodes

import (
	"cmp"
	"strings"
	"unique"
)

// runtimeUserAgent returns the User-Agent of the most common container runtime. Of two runtimes on as many nodes, it takes the one
// with the greater name and version, so that the result does not depend on the order of the nodes.
func (all clusterNodes) runtimeUserAgent() string {
	all.mu.RLock()
	defer all.mu.RUnlock()
	number := make(map[unique.Handle[string]]int)
	for _, g := range all.groups {
		number[g.runtime] += len(g.nodes)
	}
	common, most := "", 0
	for runtime, n := range number {
		agent := userAgentOf(runtime.Value())
		if agent != "" && cmp.Or(cmp.Compare(n, most), strings.Compare(agent, common)) > 0 {
			common, most = agent, n
		}
	}
	return common
}

// userAgentOf returns the User-Agent of a Node's containerRuntimeVersion, such as "containerd://2.4.2" (containerd:
// core/remotes/docker/resolver.go, request; CRI-O: internal/version; moby: dockerversion/useragent.go). CRI-O and Docker add the
// versions of Go and of the system. Nodes do not report those.
func userAgentOf(runtime string) string {
	name, version, ok := strings.Cut(runtime, "://")
	if !ok || name != "containerd" && name != "cri-o" && name != "docker" || !isToken(version) {
		return ""
	}
	return name + "/" + version
}

// isToken reports whether a version is safe in a header.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`()/:;<=>?@[\]{}",`, r)
	})
}
