package engine

import (
	"cmp"
	"net"
	"net/url"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/registry/auth"
	"github.com/pullgate/pullgate/webhook/registry/egress"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// registryOptions returns the options of the registry client.
func registryOptions(c config.Configuration, o Options) (registry.Options, error) {
	proxy, err := proxyFrom(getenv(o.Environ))
	if err != nil {
		return registry.Options{}, err
	}
	return registry.Options{
		Egress: egress.Rules{
			Allow:       c.Egress.Allow,
			Deny:        c.Egress.Deny,
			DenyPrivate: c.Egress.PrivateNetworks == config.NetworkDeny,
			Insecure:    c.Egress.InsecureRegistries,
			APIServers:  apiServers(o),
		},
		TokenServices:  tokenServices(c),
		Runtime:        c.Nodes.Runtime,
		HostsDir:       c.Nodes.HostsDir,
		RequestTimeout: c.Timeouts.Request,
		ConnectTimeout: c.Timeouts.Connect,
		ManifestBytes:  c.Limits.ManifestBytes,
		UserAgent:      newUserAgent(c, o),
		Proxy:          proxy,
		LocalRegistry:  o.Cluster.LocalRegistry,
		RootCAs:        o.RootCAs,
		DialContext:    o.DialContext,
		Instrument:     o.Instrument,
		LogPrivate:     logPrivate(o),
		Clock:          o.Clock,
	}, nil
}

// apiServers returns the hosts of the cluster's API server: from the options, and from a pod's environment (client-go:
// rest/config.go, InClusterConfig).
func apiServers(o Options) []string {
	var hosts []string
	if u, err := url.Parse(o.APIServer); err == nil && u.Host != "" {
		hosts = append(hosts, u.Host)
	} else if o.APIServer != "" {
		hosts = append(hosts, o.APIServer)
	}
	getenv := getenv(o.Environ)
	if host := getenv("KUBERNETES_SERVICE_HOST"); host != "" {
		hosts = append(hosts, net.JoinHostPort(host, cmp.Or(getenv("KUBERNETES_SERVICE_PORT"), "443")))
	}
	return hosts
}

// logPrivate returns the function that logs why a host on a private network gives no response, or nil if the verdict has the cause.
func logPrivate(o Options) func(host, cause string) {
	if !o.HidePrivateCauses {
		return nil
	}
	return func(host, cause string) {
		o.Log.Info("no usable connection to a private network", "host", host, "cause", cause)
	}
}

func tokenServices(c config.Configuration) []auth.TokenService {
	services := make([]auth.TokenService, 0, len(c.Egress.TokenServices))
	for _, s := range c.Egress.TokenServices {
		services = append(services, auth.TokenService(s))
	}
	return services
}

// cacheBytes bounds each cache, in addition to the number of entries. An index of ten platforms takes 3 KiB.
const cacheBytes = 24 << 20

// resolveOptions returns the policies of the Resolvers.
func resolveOptions(c config.Configuration, wall clock.Clock) resolve.Options {
	backoff := resolve.Backoff{
		InitialDelay: c.Backoff.InitialDelay,
		Factor:       c.Backoff.Factor,
		MaxDelay:     c.Backoff.MaxDelay,
		Jitter:       c.Retry.Jitter,
	}
	return resolve.Options{
		MaxEntries: c.Cache.MaxEntries,
		MaxBytes:   cacheBytes,
		TTLs: resolve.TTLs{
			Tag:      c.Cache.TagTTL,
			Digest:   c.Cache.DigestTTL,
			NotFound: c.Cache.NotFoundTTL,
			Denied:   c.Cache.DeniedTTL,
		},
		Backoff: backoff,
		Retry: resolve.Retry{
			InitialDelay: c.Retry.InitialDelay,
			Factor:       c.Retry.Factor,
			Jitter:       c.Retry.Jitter,
			MaxAttempts:  c.Retry.MaxAttempts,
		},
		Breaker: resolve.NewBreaker(backoff, wall),
		// A check outlives the admission by one request, so that a request under way can still fill the cache.
		Timeout: c.Timeouts.Admission + c.Timeouts.Request,
		Clock:   wall,
	}
}
