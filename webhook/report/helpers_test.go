package report_test

import (
	"errors"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/report"
)

const digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// finding returns a finding of an ordinary container.
func finding(image string, verdict imagepull.Verdict) imagepull.Finding {
	return imagepull.Finding{
		Use: imagepull.Use{
			Path: "spec.containers[0].image", Kind: imagepull.Container, Name: "web", Image: image,
		},
		Verdict: verdict,
	}
}

// standalone returns a finding of an image without an object.
func standalone(image string, verdict imagepull.Verdict) imagepull.Finding {
	return imagepull.Finding{Use: imagepull.Use{Path: "image", Image: image}, Verdict: verdict}
}

// artifact returns a warning.
func artifact() []imagepull.Warning {
	return []imagepull.Warning{{Reason: imagepull.WarningNotAContainerImage, Message: "the image is a Helm chart"}}
}

// mixed returns a report with every outcome, several kinds of uses, and entries with and without an object.
func mixed() report.Report {
	pod := &report.ObjectRef{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "web"}
	notFound := finding("registry.example/shop/web:1.27-alpin", imagepull.Verdict{
		Reason: imagepull.ReasonNotFound, Detail: "tag not found", Credential: "secret/shop/regcred",
	})
	sidecar := imagepull.Finding{
		Use: imagepull.Use{
			Path: "spec.initContainers[0].image", Kind: imagepull.InitContainer, Name: "proxy",
			Image: "registry.example/mesh/proxy@" + digest,
		},
		Verdict: imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: digest, Warnings: artifact()},
	}
	model := imagepull.Finding{
		Use: imagepull.Use{
			Path: "spec.volumes[0].image.reference", Kind: imagepull.Volume, Name: "model", Image: "localhost:5000/model",
		},
		Verdict: imagepull.Verdict{
			Reason: imagepull.ReasonNodeLocalRegistry, Detail: "localhost means the node", Fix: "name a registry that all nodes share",
		},
	}
	return report.Report{
		Entries: []report.Entry{
			{Source: "web.yaml", Object: pod, Finding: notFound},
			{Source: "web.yaml", Object: pod, Finding: sidecar},
			{Source: "web.yaml", Object: pod, Finding: model},
			{Finding: standalone("nginx", imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: digest})},
		},
		Warnings: []string{"pull secrets of service accounts were not read"},
	}
}

// standaloneOnly returns the report of images from the command line.
func standaloneOnly() report.Report {
	return report.Report{Entries: []report.Entry{
		{Finding: standalone("nginx", imagepull.Verdict{Reason: imagepull.ReasonPullable})},
		{Finding: standalone("Nginx", imagepull.Verdict{
			Reason: imagepull.ReasonInvalidImageName, Detail: "repository name must be lowercase",
		})},
	}}
}

// hostile returns a report whose texts must be escaped.
func hostile() report.Report {
	f := finding("a\x1b[31m\u202eb\u0085\x7f\xff\n\"c", imagepull.Verdict{
		Reason: imagepull.ReasonInvalidImageName, Detail: "detail\x1b[2J", Fix: "fix\u200b\r",
		Warnings: []imagepull.Warning{{Reason: imagepull.WarningNotAContainerImage, Message: "chart\x00\n"}},
	})
	f.Name = "na\tme\u009b"
	return report.Report{
		Entries: []report.Entry{{
			Source: "dir\x07/web.yaml", Object: &report.ObjectRef{Kind: "Pod", Name: "w\beb"}, Finding: f,
		}},
		Warnings: []string{"warning\x1b"},
	}
}

// long returns an image name of n characters that ends in "end".
func long(n int) string { return strings.Repeat("a", n-3) + "end" }

var errBroken = errors.New("broken pipe")

// brokenWriter returns an error from every Write.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }
