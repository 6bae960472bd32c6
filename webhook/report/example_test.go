package report_test

import (
	"fmt"
	"os"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/report"
)

func ExampleLine() {
	fmt.Println(report.Line(imagepull.Finding{
		Use:     imagepull.Use{Kind: imagepull.Container, Name: "web", Image: "registry.example/shop/web:1.2"},
		Verdict: imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: "tag not found"},
	}))
	// Output:
	// container "web": image "registry.example/shop/web:1.2" cannot be pulled: NotFound: tag not found; push the image or correct its name
}

func ExampleWarning() {
	fmt.Println(report.Warning(imagepull.Finding{
		Use:     imagepull.Use{Kind: imagepull.InitContainer, Name: "migrate", Image: "registry.example/shop/storefront/migrations:1.2"},
		Verdict: imagepull.Verdict{Reason: imagepull.ReasonRateLimited, Detail: "the registry returned 429"},
	}))
	// Output:
	// init container "migrate": image "registry.exa…grations:1.2" could not be checked: RateLimited: the registry returned 429
}

func ExampleWriteTable() {
	r := report.Report{Entries: []report.Entry{
		{Finding: imagepull.Finding{
			Use:     imagepull.Use{Path: "image", Image: "nginx"},
			Verdict: imagepull.Verdict{Reason: imagepull.ReasonPullable},
		}},
		{Finding: imagepull.Finding{
			Use:     imagepull.Use{Path: "image", Image: "nginx:gone"},
			Verdict: imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: "tag not found"},
		}},
	}}
	if err := report.WriteTable(os.Stdout, r, false); err != nil {
		fmt.Println(err)
	}
	// Output:
	// IMAGE       RESULT      CAUSE
	// nginx       Pullable
	// nginx:gone  Unpullable  NotFound: tag not found
	//     fix: push the image or correct its name
	//
	// 2 images: 1 pullable, 1 unpullable
}

func ExampleWriteJSON() {
	r := report.Report{Entries: []report.Entry{{Finding: imagepull.Finding{
		Use:     imagepull.Use{Path: "image", Image: "nginx"},
		Verdict: imagepull.Verdict{Reason: imagepull.ReasonPullable, Credential: "anonymous"},
	}}}}
	if err := report.WriteJSON(os.Stdout, r); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {
	//   "apiVersion": "pullgate.dev/v1alpha1",
	//   "kind": "CheckReport",
	//   "summary": {
	//     "pullable": 1,
	//     "unpullable": 0,
	//     "indeterminate": 0
	//   },
	//   "findings": [
	//     {
	//       "source": "",
	//       "path": "image",
	//       "container": "",
	//       "image": "nginx",
	//       "outcome": "Pullable",
	//       "reason": "Pullable",
	//       "message": "",
	//       "suggestion": "",
	//       "digest": "",
	//       "credential": "anonymous",
	//       "advice": []
	//     }
	//   ]
	// }
}

// A summary leaves out zero counts.
func ExampleSummary_String() {
	fmt.Println(report.Summary{Pullable: 2, Unpullable: 1})
	// Output: 3 images: 2 pullable, 1 unpullable
}
