package auth

import (
	"fmt"
	"net/url"

	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

// TokenService names a host that may receive the credentials of registries of another domain.
type TokenService struct {
	// Registry is a pattern of registries (see hostpattern).
	Registry string
	// Host is the token service, with a port if it is not 443. It gets credentials by HTTPS only.
	Host string
}

// knownServices returns the token services in another domain than their registry, or in a shared one. The names come from
// challenges and from errors of clients. Docker Hub and GitLab name services in their own domains, Quay and GHCR their own hosts.
func knownServices() []TokenService {
	services := []TokenService{
		// Scaleway: https://api.scaleway.com/registry-internal/v1/regions/fr-par/tokens, for rg.fr-par.scw.cloud.
		{Registry: "rg.*.scw.cloud", Host: "api.scaleway.com"},
	}
	// Alibaba Cloud: https://dockerauth.cn-hangzhou.aliyuncs.com/auth (agentscope-ai/AgentTeams#564), also for registries of other
	// regions. A pattern of regions would match the buckets of customers, such as dockerauth.oss-cn-hangzhou.aliyuncs.com.
	for _, registry := range []string{"registry.aliyuncs.com", "registry.*.aliyuncs.com", "*.cr.aliyuncs.com"} {
		for _, region := range []string{"", "cn-hangzhou.", "ap-southeast-1."} {
			services = append(services, TokenService{Registry: registry, Host: "dockerauth." + region + "aliyuncs.com"})
		}
	}
	return services
}

// service is a TokenService, parsed.
type service struct {
	registry hostpattern.List
	origin   string
}

// parseServices returns an error that names the index of an invalid entry.
func parseServices(list []TokenService) ([]service, error) {
	services := make([]service, 0, len(list))
	for i, s := range list {
		registry, err := hostpattern.ParseHost(s.Registry)
		if err != nil {
			return nil, fmt.Errorf("egress.tokenServices[%d].registry: %q %w", i, s.Registry, err)
		}
		services = append(services, service{hostpattern.List{registry}, egress.OriginOf("https", s.Host)})
	}
	return services, nil
}

// matches reports whether a realm is this service, and may receive the credentials of a registry.
func (s service) matches(registry string, realm *url.URL) bool {
	return s.origin == egress.OriginOf(realm.Scheme, realm.Host) && s.registry.MatchHost(registry)
}
