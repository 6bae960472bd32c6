package engine

import (
	"net/url"
	"strings"
	"testing"
)

func TestProxyFromReadsTheEnvironment(t *testing.T) {
	t.Parallel()
	const through = "http://proxy.example:3128"
	tests := map[string]struct {
		env  map[string]string
		url  string
		want string // the proxy; empty for none
	}{
		"no proxy":                        {url: "https://registry.example/v2/"},
		"exceptions without a proxy":      {env: map[string]string{"NO_PROXY": "x.example"}, url: "https://registry.example/v2/"},
		"for HTTPS":                       {env: map[string]string{"HTTPS_PROXY": through}, url: "https://registry.example/v2/", want: through},
		"for HTTPS, with an HTTP URL":     {env: map[string]string{"HTTPS_PROXY": through}, url: "http://registry.example/v2/"},
		"for HTTP":                        {env: map[string]string{"HTTP_PROXY": through}, url: "http://registry.example/v2/", want: through},
		"in lower case":                   {env: map[string]string{"https_proxy": through}, url: "https://registry.example/v2/", want: through},
		"in both cases, upper case first": {env: map[string]string{"HTTPS_PROXY": through, "https_proxy": "http://other.example"}, url: "https://registry.example/v2/", want: through},
		"an exception":                    {env: map[string]string{"HTTPS_PROXY": through, "NO_PROXY": ".example"}, url: "https://registry.example/v2/"},
		"an exception in lower case":      {env: map[string]string{"HTTPS_PROXY": through, "no_proxy": "10.0.0.0/8"}, url: "https://10.1.2.3/v2/"},
		"never for loopback":              {env: map[string]string{"HTTPS_PROXY": through}, url: "https://localhost:5001/v2/"},
		"a host and port":                 {env: map[string]string{"HTTPS_PROXY": "proxy.example:3128"}, url: "https://registry.example/v2/", want: through},
		"SOCKS":                           {env: map[string]string{"HTTPS_PROXY": "socks5://proxy.example:1080"}, url: "https://registry.example/v2/", want: "socks5://proxy.example:1080"},
		"a CGI variable has no effect":    {env: map[string]string{"HTTP_PROXY": through, "REQUEST_METHOD": "GET"}, url: "http://registry.example/v2/", want: through},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			choose, err := proxyFrom(func(name string) string { return test.env[name] })
			if err != nil {
				t.Fatalf("proxyFrom: %v", err)
			}
			if choose == nil {
				if test.want != "" {
					t.Errorf("got no proxy, want %s", test.want)
				}
				return
			}
			u, err := url.Parse(test.url)
			if err != nil {
				t.Fatal(err)
			}
			got, err := choose(u)
			if err != nil || got == nil && test.want != "" || got != nil && got.String() != test.want {
				t.Errorf("got %v, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestProxyFromRejectsInvalidProxies(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"http://me:s3cret@proxy.example:port", "ftp://me:s3cret@proxy.example", "http://me:s3cret@", "http://me:s3cret@%zz", "://s3cret", "/s3cret",
	} {
		for _, name := range []string{"HTTPS_PROXY", "http_proxy"} {
			_, err := proxyFrom(func(variable string) string { return map[string]string{name: value}[variable] })
			if err == nil || !strings.HasPrefix(err.Error(), name+": not a proxy") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s=%s: got error %v, want one that names the variable and not its value", name, value, err)
			}
		}
	}
}
