package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestParseReadsTheLastStage(t *testing.T) {
	t.Parallel()
	const unsupported, form = "unsupported instruction", "unsupported form"
	tests := map[string]struct {
		text string
		want stage
		err  string
	}{
		"other stages are ignored": {
			text: "FROM golang AS build\nRUN make\nFROM scratch\nUSER 1:1\n", want: stage{base: "scratch", config: v1.Config{User: "1:1"}},
		},
		"comments and continuation lines": {
			text: "from scratch\n# a comment\ncopy --from=build \\\n  # another\n  /a /b\n", want: stage{base: "scratch", files: []copied{{"/a", "/b"}}},
		},
		"an argument in a label": {
			text: "FROM ${BASE}\nARG VERSION\nLABEL a.b=\"v $VERSION\" c=\"\"",
			want: stage{base: "${BASE}", config: v1.Config{Labels: map[string]string{"a.b": "v 7", "c": ""}}},
		},
		"an empty file":          {err: " FROM is missing"},
		"a command":              {text: "FROM scratch\n\nRUN make", err: "3: RUN: " + unsupported},
		"a file of the context":  {text: "FROM scratch\nCOPY a /b", err: "2: COPY: " + form},
		"a relative destination": {text: "FROM scratch\nCOPY --from=build /a b", err: "2: COPY: " + form},
		"a label without quotes": {text: "FROM scratch\nLABEL a=b", err: "2: LABEL: " + form},
		"the shell form":         {text: "FROM scratch\nCMD serve", err: "2: CMD: " + form},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(tt.text, map[string]string{"VERSION": "7"})
			if text := errorText(err); text != tt.err {
				t.Fatalf("got error %q, want %q", text, tt.err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(stage{}, copied{})); diff != "" {
				t.Errorf("stage (-want +got):\n%s", diff)
			}
		})
	}
}
