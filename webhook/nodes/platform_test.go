package nodes_test

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/nodes"
)

func TestParsePlatform(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		want    string
		wantErr bool
	}{
		"linux/amd64":     {want: "linux/amd64"},
		"linux/arm64/v8":  {want: "linux/arm64/v8"},
		"linux/aarch64":   {want: "linux/arm64"},
		"linux/arm/v7":    {want: "linux/arm/v7"},
		"linux":           {wantErr: true},
		"amd64":           {wantErr: true},
		"":                {wantErr: true},
		"linux/amd64/x/y": {wantErr: true},
		"linux/a b":       {wantErr: true},
		"linux/":          {wantErr: true},
	}
	for text, tt := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := nodes.ParsePlatform(text)
			switch {
			case tt.wantErr && err == nil:
				t.Errorf("ParsePlatform(%q) = %v, want an error", text, got)
			case tt.wantErr && !strings.Contains(err.Error(), "use os/architecture"):
				t.Errorf("the error has no hint: %v", err)
			case !tt.wantErr && (err != nil || got.String() != tt.want):
				t.Errorf("ParsePlatform(%q) = %v, %v, want %s", text, got, err, tt.want)
			}
		})
	}
}
