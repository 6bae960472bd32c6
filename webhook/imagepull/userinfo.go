package imagepull

import (
	"regexp"
	"strings"
)

// digest matches what follows the "@" of an image with a digest.
var digest = regexp.MustCompile(`^(sha(256|384|512):[^/]*|[A-Za-z0-9+._-]+:[0-9a-fA-F]{32,})$`)

// port matches what follows the colon of a host.
var port = regexp.MustCompile(`^[0-9]*$`)

// MaskUserinfo returns an image that does not parse, or a URL, with "***" in place of a user name and password before the host. A
// user may copy an address with a password into the image, as in "user:password@registry.example/web".
func MaskUserinfo(text string) string {
	scheme, rest, hasScheme := strings.Cut(text, "://")
	if scheme += "://"; !hasScheme {
		scheme, rest = "", text
	}
	at := strings.LastIndex(rest, "@")
	for at > 0 && digest.MatchString(rest[at+1:cutDigest(rest, at)]) {
		at = strings.LastIndex(rest[:at], "@")
	}
	if at < 0 || !isUserinfo(rest[:at], rest[at+1:], hasScheme) {
		return text
	}
	return scheme + "***" + rest[at:]
}

// cutDigest returns the end of what follows the "@" at an index: the next "@", or the end of the text.
func cutDigest(text string, at int) int {
	if next := strings.Index(text[at+1:], "@"); next >= 0 {
		return at + 1 + next
	}
	return len(text)
}

// isUserinfo reports whether the text before an "@" may have a password. A repository with a wrong digest has none.
func isUserinfo(before, after string, hasScheme bool) bool {
	host, _, hasPath := strings.Cut(before, "/")
	_, afterColon, hasColon := strings.Cut(host, ":")
	switch {
	case hasPath:
		return hasColon && !port.MatchString(afterColon) // a password may have a slash
	case hasColon, hasScheme:
		return true
	}
	return strings.Contains(after, "/")
}
