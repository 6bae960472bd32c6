package main

import (
	"strings"
	"testing"
)

// TestCheckWithABadProxy changes the environment, which is why it runs by itself.
func TestCheckWithABadProxy(t *testing.T) {
	s := openShop(t)
	t.Setenv("HTTPS_PROXY", "http://me:s3cret@proxy.example:port")
	status, _, stderr := s.check(t, "", "HOST/shop/web:1.27")
	if status != exitUsage || !strings.Contains(stderr, "HTTPS_PROXY: not a proxy") || strings.Contains(stderr, "s3cret") {
		t.Errorf("status %d, stderr:\n%s\nwant the variable to be named, and not its value", status, stderr)
	}
}
