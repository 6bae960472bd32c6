package imagepull

import "strings"

// Refused returns the verdict on a registry that denies access to the credential.
func (c Credential) Refused() Verdict {
	v := Verdict{Reason: ReasonAccessDenied}
	switch {
	case c.Source == "":
		v.Detail = "the image is private or does not exist, and no pull secret is for it"
	case c.IsAnonymous():
		v.Detail = "the credential from " + c.Source + " holds no user and password"
		v.Fix = "recreate the pull secret with user and password"
	default:
		v.Detail = "the credential from " + c.Source + " is refused"
		v.Fix = "renew the pull secret or give it access to the repository"
	}
	return v
}

// For returns a copy of the verdict with the texts for a credential from another source. It applies to credentials that a
// registry cannot distinguish. The verdict itself is shared and is not changed.
func (v Verdict) For(c Credential) Verdict {
	if v.Credential == c.Source {
		return v
	}
	if v.Reason == ReasonAccessDenied {
		other := c
		other.Source = v.Credential
		before, after := other.Refused(), c.Refused()
		v.Detail = strings.Replace(v.Detail, before.Detail, after.Detail, 1)
		if v.Fix == before.Fix {
			v.Fix = after.Fix
		}
	}
	v.Credential = c.Source
	return v
}
