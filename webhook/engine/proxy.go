package engine

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// proxyFunc returns the proxy for a URL, or nil for a direct connection.
type proxyFunc func(*url.URL) (*url.URL, error)

// proxyFrom reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY as containerd does, in upper case or else in lower case. It returns nil
// if no proxy is set. An invalid proxy URL is an error; httpproxy would ignore it.
func proxyFrom(getenv func(string) string) (proxy proxyFunc, err error) {
	var c httpproxy.Config
	for name, value := range map[string]*string{"HTTP_PROXY": &c.HTTPProxy, "HTTPS_PROXY": &c.HTTPSProxy, "NO_PROXY": &c.NoProxy} {
		if getenv(name) == "" {
			name = strings.ToLower(name)
		}
		*value = getenv(name)
		if value != &c.NoProxy && *value != "" && !isProxyURL(*value) {
			// The value may hold a password.
			return nil, fmt.Errorf("%s: not a proxy: write a URL such as http://proxy.example:3128", name)
		}
	}
	if c.HTTPProxy != "" || c.HTTPSProxy != "" {
		proxy = c.ProxyFunc()
	}
	return proxy, nil
}

// isProxyURL reports whether the text is the URL of a proxy, or a host with a port. httpproxy does not check this: it uses a
// text that is not a URL as a host, such as "http" in a URL with an invalid port.
func isProxyURL(text string) bool {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	return err == nil && u.Hostname() != "" && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme)
}
