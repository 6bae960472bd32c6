package engine

import (
	"cmp"
	"sync"
	"time"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// The User-Agents of stock nodes, by their runtime. They apply while no node reports its own.
const (
	stockContainerd = "containerd/2.4.2"
	stockCRIO       = "cri-o/1.37.0"
)

// userAgentTTL is how long a User-Agent is used. The versions of the nodes change slowly, and a cluster may have thousands.
const userAgentTTL = time.Minute

// newUserAgent returns a function that returns the User-Agent of requests to registries, such as
// "containerd/2.4.2 (compatible; pullgate/1.0)". Firewalls and bot walls decide by it, so it begins as the one of the nodes.
func newUserAgent(c config.Configuration, o Options) func() string {
	stock := stockContainerd
	if c.Nodes.Runtime == imagepull.RuntimeCRIO {
		stock = stockCRIO
	}
	own := cmp.Or(o.UserAgent, "pullgate")
	var (
		mu      sync.Mutex
		current string
		expires time.Time
	)
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		if now := o.Clock.Now(); !now.Before(expires) {
			runtime := ""
			if o.Cluster.RuntimeUserAgent != nil {
				runtime = o.Cluster.RuntimeUserAgent()
			}
			current, expires = cmp.Or(runtime, stock)+" (compatible; "+own+")", now.Add(userAgentTTL)
		}
		return current
	}
}
