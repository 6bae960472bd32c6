package main

import (
	"strings"
	"testing"
)

// The test changes the environment, so that it does not run in parallel.
func TestCheckRejectsAnInvalidProxy(t *testing.T) {
	f := newFixture(t)
	t.Setenv("HTTPS_PROXY", "http://me:s3cret@proxy.example:port")
	status, _, stderr := f.check(t, "", "HOST/shop/web:1.27")
	if status != exitUsage || !strings.Contains(stderr, "HTTPS_PROXY: not a proxy") || strings.Contains(stderr, "s3cret") {
		t.Errorf("status %d, stderr:\n%s\nwant the name of the variable without its value", status, stderr)
	}
}
