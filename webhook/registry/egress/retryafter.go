package egress

import (
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter bounds the delay that a registry can request. It exceeds every rate limit window in use: Docker Hub's is six
// hours.
const maxRetryAfter = 24 * time.Hour

// RetryAfter returns the delay of the Retry-After header, in seconds or as a date, or zero (RFC 9110, section 10.2.3).
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds > 0 {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if date, err := http.ParseTime(value); err == nil && date.After(now) {
		return min(date.Sub(now), maxRetryAfter)
	}
	return 0
}
