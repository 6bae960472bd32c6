package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/config"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	return data
}

// invalidFile is a file with mistakes, and the error that Load returns for it.
type invalidFile struct{ data, want string }

func testInvalid(t *testing.T, tests map[string]invalidFile) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load([]byte(test.data))
			if err == nil {
				t.Fatalf("Load(%s) = no error, want %s", test.data, test.want)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error differs (-want +got):\n%s", diff)
			}
		})
	}
}
