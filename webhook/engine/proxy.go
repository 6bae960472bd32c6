package engine

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// proxyFunc chooses the proxy for a URL; nil for none.
type proxyFunc func(*url.URL) (*url.URL, error)

// proxyFrom reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY as containerd does, in capitals or else in small letters. It returns nil
// where no proxy is set. Who names a proxy that can't be one is told so; the library would go without it.
func proxyFrom(getenv func(string) string) (proxy proxyFunc, err error) {
	var c httpproxy.Config
	for name, into := range map[string]*string{"HTTP_PROXY": &c.HTTPProxy, "HTTPS_PROXY": &c.HTTPSProxy, "NO_PROXY": &c.NoProxy} {
		if getenv(name) == "" {
			name = strings.ToLower(name)
		}
		*into = getenv(name)
		if into != &c.NoProxy && *into != "" && !isProxyURL(*into) {
			// Its value may hold a password.
			return nil, fmt.Errorf("%s: not a proxy: write a URL such as http://proxy.example:3128", name)
		}
	}
	if c.HTTPProxy != "" || c.HTTPSProxy != "" {
		proxy = c.ProxyFunc()
	}
	return proxy, nil
}

// isProxyURL accepts a URL, or a host with a port, as far as connections can be made with it. (The library takes what it can't
// parse for a host, such as "http" in a URL whose port is none.)
func isProxyURL(text string) bool {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	return err == nil && u.Hostname() != "" && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme)
}
