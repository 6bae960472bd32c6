package auth

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/pullgate/pullgate/webhook/hostpattern"
)

// sharedDomains are domains below which hosts have different owners, and which the public suffix list does not have. Below them a
// credential goes to the registry's own host only, or to a service of knownServices.
var sharedDomains = []string{
	// Registries and services with one host for each customer.
	"azurecr.cn", "azurecr.de", "azurecr.io", "azurecr.us", "container-registry.com", "gcr.io", "jfrog.io", "pkg.dev",
	"tencentcloudcr.com", "vultrcr.com",
	// Clouds whose customers have hosts in the provider's own domain.
	"aliyuncs.com", "amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "azure.com", "azurecontainerapps.io", "cloudfront.net", "id.goog",
	"myhuaweicloud.com", "myqcloud.com", "on.aws", "openshiftapps.com", "ovh.net", "scw.cloud", "selcloud.ru", "stackit.cloud",
	"t-systems.com",
	// Names for arbitrary addresses.
	"localtest.me", "lvh.me", "nip.io", "sslip.io", "traefik.me", "xip.io",
	// The cluster's DNS, except for services.
	"cluster.local",
}

// haveSameOwner reports whether a token service belongs to the owner of a registry: both have the same host or registrable domain.
// Its port must be the scheme's or the registry's own, because another port of a host may be another user's.
func haveSameOwner(registry, scheme, service string) bool {
	own, ownPort := splitHost(registry)
	name, port := splitHost(service)
	if port != "" && port != ownPort && port != defaultPort(scheme) {
		return false
	}
	ownAddr, err := netip.ParseAddr(own)
	addr, err2 := netip.ParseAddr(name)
	switch {
	case err == nil && err2 == nil:
		return ownAddr.Unmap() == addr.Unmap()
	case name == own:
		return true
	}
	domain := ownersDomain(own)
	return domain != "" && domain == ownersDomain(name)
}

// splitHost splits a host and its port, in the spelling in which hosts are compared.
func splitHost(host string) (name, port string) {
	name, port = hostpattern.SplitPort(strings.ToLower(host))
	return strings.TrimSuffix(name, "."), port
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// ownersDomain returns the domain below which all hosts have the owner of this one, or "" if no other host has the same owner.
func ownersDomain(name string) string {
	labels := strings.Split(name, ".")
	last := labels[len(labels)-1]
	switch {
	case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "":
		return "" // net/http converts other characters, some of them to a dot
	case last == "" || last[0] >= '0' && last[0] <= '9':
		return "" // a resolver may take it for an address, such as 127.1
	}
	// A Service is "name.namespace.svc", with or without the cluster's domain. A namespace has one owner.
	for i := len(labels) - 1; i >= 2; i-- {
		if labels[i] == "svc" {
			return strings.Join(labels[i-1:], ".")
		}
	}
	isShared := func(domain string) bool { return name == domain || strings.HasSuffix(name, "."+domain) }
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil || slices.ContainsFunc(sharedDomains, isShared) {
		return ""
	}
	return domain
}
