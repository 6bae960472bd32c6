package monitoring

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"
)

func TestPictureShowsTheAnswers(t *testing.T) {
	t.Parallel()
	var d dashboard
	for i, kind := range []string{"stat", "timeseries", "timeseries"} {
		p := panel{ID: i, Type: kind, Title: []string{"Certificate", "Decisions <1>", "Empty"}[i]}
		p.GridPos.W, p.GridPos.H, p.GridPos.Y = 8, 8, 8*i
		p.FieldConfig.Defaults.Unit = []string{"s", "reqps", "none"}[i]
		d.Panels = append(d.Panels, p)
	}
	svg := picture(d, map[int][]series{
		0: {{"ends in", []float64{1, 864000, math.NaN()}}},
		1: {{"deny", []float64{0, 30, math.NaN(), 60}}, {"allow", []float64{1, 1, 1, 1}}},
	}, 5*time.Second)
	for _, want := range []string{
		">10 days<", ">ends in<", ">Decisions &lt;1&gt;<", ">deny<", ">allow<", ">15 s<", // four steps take 15 s
		">0/s<", ">30/s<", ">60/s<", // the axis starts at zero
		">Empty<", "prefers-color-scheme:dark",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("the picture lacks %q:\n%s", want, svg)
		}
	}
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the picture is not XML: %v", err)
		}
	}
}

func TestPathHasAGapWhereAValueIsMissing(t *testing.T) {
	t.Parallel()
	at := func(i int, v float64) (x, y float64) { return float64(i), v }
	nan := math.NaN()
	for name, test := range map[string]struct {
		values []float64
		want   string
	}{
		"a line":             {[]float64{1, 2, 4}, "M0 1.0L1 2.0L2 4.0"},
		"a level part":       {[]float64{1, 3, 3, 3, 3, 1}, "M0 1.0L1 3.0L4 3.0L5 1.0"},
		"a gap":              {[]float64{1, 2, nan, 3, 4}, "M0 1.0L1 2.0M3 3.0L4 4.0"},
		"a point alone":      {[]float64{nan, 2, nan}, "M1 2.0h1"},
		"no value":           {[]float64{nan}, ""},
		"a point at the end": {[]float64{1, 1, nan, 7}, "M0 1.0L1 1.0M3 7.0h1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := pathOf(test.values, at); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value float64
		unit  string
		want  string
	}{
		{0, "none", "0"}, {1234, "none", "1234"}, {2.5, "none", "2.5"}, {math.NaN(), "none", "–"},
		{0.003, "s", "3 ms"}, {2, "s", "2 s"}, {300 * 24 * 3600, "s", "300 days"},
		{0.5, "percentunit", "50%"}, {1.5 * (1 << 20), "bytes", "1.5 MiB"}, {512, "bytes", "0.5 KiB"}, {12, "reqps", "12/s"},
	} {
		if got := format(test.value, test.unit); got != test.want {
			t.Errorf("format(%g, %s): got %s, want %s", test.value, test.unit, got, test.want)
		}
	}
}

func TestAxisEndsAtARoundNumber(t *testing.T) {
	t.Parallel()
	for want, value := range map[float64]float64{1: 0, 4: 3.1, 60: 42, 0.002: 0.0015, 10: 9} {
		if got := axisEnd([]series{{values: []float64{value, math.NaN()}}}, "none"); math.Abs(got-want) > 1e-9 {
			t.Errorf("for %g: got %g, want %g", value, got, want)
		}
	}
	if got := axisEnd([]series{{values: []float64{50 << 20}}}, "bytes"); got != 64<<20 {
		t.Errorf("for 50 MiB: got %g bytes", got)
	}
}
