package imagepull

import "strings"

// Refused returns the verdict of a registry that denies access to the credential.
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

// For returns the verdict in the words for a credential from another source, which a registry can't tell from the one that it
// was asked with. The verdict itself is shared and stays as it is.
func (v Verdict) For(c Credential) Verdict {
	if v.Credential == c.Source {
		return v
	}
	if v.Reason == ReasonAccessDenied {
		before := c
		before.Source = v.Credential
		was, is := before.Refused(), c.Refused()
		v.Detail = strings.Replace(v.Detail, was.Detail, is.Detail, 1)
		if v.Fix == was.Fix {
			v.Fix = is.Fix
		}
	}
	v.Credential = c.Source
	return v
}
