package imagepull_test

import (
	"fmt"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// A verdict has one reason, and the reason has one outcome.
func ExampleVerdict_Outcome() {
	v := imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: "tag not found"}
	fmt.Println(v.Outcome(), v.Reason.Fix())
	fmt.Println(imagepull.Verdict{}.Outcome())
	// Output:
	// Unpullable push the image or correct its name
	// Indeterminate
}

// A credential prints its source only.
func ExampleCredential() {
	c := imagepull.Credential{Username: "robot", Password: "s3cr3t", Source: "secret/shop/regcred"}
	fmt.Printf("%v %+v\n", c, imagepull.Credential{})
	// Output: secret/shop/regcred anonymous
}
