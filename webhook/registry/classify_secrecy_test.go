package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// marker is text that a registry tries to place in a message. It is not a valid word of a platform.
const marker = "<marker>"

// A verdict appears in messages and logs. It must not hold text from a registry or a secret.
func TestVerdictsHoldNoTextFromRegistries(t *testing.T) {
	t.Parallel()
	headers := http.Header{
		"Content-Type":          {marker},
		"Docker-Content-Digest": {"sha256:" + marker},
		"Location":              {"https://" + host + "/" + marker},
		"Retry-After":           {marker},
		"Warning":               {`299 - "` + marker + `"`},
		"Www-Authenticate":      {`Bearer realm="` + marker + `",service="` + marker + `",scope="` + marker + `",error="` + marker + `"`},
		"X-Request-Id":          {marker},
	}
	body := fmt.Sprintf(`{"errors":[{"code":%q,"message":%[1]q,"detail":%[1]q}],"manifests":[{"platform":{"os":%[1]q,
		"architecture":%[1]q,"variant":%[1]q,"os.version":%[1]q,"os.features":[%[1]q]},"annotations":{%[1]q:%[1]q}}]}`, marker)
	faults := map[string]testregistry.Fault{
		"redirects to itself":    {RedirectLoop: true, Header: headers},
		"redirects elsewhere":    {Redirect: "https://marker.example.net/" + marker},
		"redirects by an error":  {Redirect: "https://%zz" + marker},
		"redirects insecurely":   {Redirect: "http://marker.example.net/" + marker},
		"token service redirect": {Path: "/token", Redirect: "https://marker.example.net/" + marker},
		"token service responds": {Path: "/token", Body: body, Header: headers},
		"token is a marker":      {Path: "/token", Body: `{"access_token":"` + marker + `","token":"` + marker + `"}`},
		"token of control bytes": {Path: "/token", Body: `{"access_token":"` + marker + `\r\n","token":"` + marker + `\n"}`},
		"cut off":                {Body: body, Truncate: 10, Header: headers},
	}
	for _, status := range []int{200, 204, 300, 304, 307, 400, 401, 403, 404, 405, 408, 410, 429, 451, 500, 502, 503, 504} {
		faults[fmt.Sprint(status)] = testregistry.Fault{Status: status, Body: body, Header: headers}
		faults[fmt.Sprint(status, " of the token service")] = testregistry.Fault{
			Path: "/token", Status: status, Body: body, Header: headers,
		}
		faults[fmt.Sprint(status, " to GET")] = testregistry.Fault{
			Method: http.MethodGet, Status: status, Body: body, Header: headers,
		}
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, bearer())
			if _, err := w.PushManifest("shop/web:1", ociIndex, []byte(body)); err != nil {
				t.Fatalf("PushManifest: %v", err)
			}
			w.Fault(fault)
			for _, cred := range []imagepull.Credential{alice(), mallory(), anonymous()} {
				wantOwnTextOnly(t, w.resolve(web, cred))
				wantOwnTextOnly(t, w.resolve(host+"/shop/web@"+absentDigest, cred))
			}
		})
	}
}

func wantOwnTextOnly(t *testing.T, v imagepull.Verdict) {
	t.Helper()
	text := fmt.Sprintf("%+v", v)
	for _, forbidden := range []string{"marker", alicePassword, mallory().Password, "access_token", "http"} {
		if strings.Contains(text, forbidden) {
			t.Errorf("verdict %s holds %q", text, forbidden)
		}
	}
	if v.Reason == "" {
		t.Error("the verdict has no reason")
	}
	if v.Outcome() != imagepull.Pullable && v.Detail == "" {
		t.Errorf("verdict %s has no detail", text)
	}
}

func TestInvalidPlatformWordsAreUnknown(t *testing.T) {
	t.Parallel()
	w, _ := newRawIndex(t, `{"manifests":[{"platform":{"os":"`+marker+`"}}]}`)
	v := w.resolve(index, anonymous())
	wantVerdict(t, v, "Pullable")
	wantOwnTextOnly(t, v)
}
