package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func wellFormed(t *testing.T, picture string) {
	t.Helper()
	if strings.Contains(picture, "%!") {
		t.Errorf("a number is missing:\n%s", picture)
	}
	decoder := xml.NewDecoder(strings.NewReader(picture))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("the picture is not XML: %v\n%s", err, picture)
		}
	}
}

func TestPicturesAreWellFormed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		picture string
		want    []string
	}{
		"bars": {
			Bars("Rates", "1/s", []Bar{{"a < b", 75, 50, 90}, {"many", 12345, 12345, 12345}}),
			[]string{"a &lt; b", ">75<", ">12345<", ">20000<", `class="spread"`},
		},
		"lines": {
			Lines("Times", "ms", []string{"near", "far"}, []Line{{"one", []float64{1, 3}}}),
			[]string{"near", "far", "<polyline", ">4<"},
		},
		"no bars":  {Bars("None", "", nil), []string{"None"}},
		"no lines": {Lines("None", "", nil, nil), []string{"None"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wellFormed(t, tc.picture)
			for _, want := range tc.want {
				if !strings.Contains(tc.picture, want) {
					t.Errorf("the picture lacks %q:\n%s", want, tc.picture)
				}
			}
		})
	}
}
