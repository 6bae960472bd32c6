package config_test

import (
	"testing"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/hostpattern"
)

// TestDefaultListsTheRegistriesOfClouds: a refusal of any other registry is certain.
func TestDefaultListsTheRegistriesOfClouds(t *testing.T) {
	t.Parallel()
	list, err := hostpattern.ParseHosts(config.Default().Nodes.CredentialedRegistries)
	if err != nil {
		t.Fatalf("ParseHosts() = %v", err)
	}
	tests := map[string]bool{
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com":                    true,
		"111122223333.dkr.ecr.us-gov-west-1.amazonaws.com":                true,
		"111122223333.dkr.ecr-fips.us-east-1.amazonaws.com":               true,
		"111122223333.dkr-ecr.eu-west-1.on.aws":                           true,
		"111122223333.dkr-ecr-fips.us-east-1.on.aws":                      true,
		"111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn":                true,
		"111122223333.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn": true,
		"111122223333.dkr.ecr.us-iso-east-1.c2s.ic.gov":                   true,
		"111122223333.dkr.ecr-fips.us-iso-east-1.c2s.ic.gov":              true,
		"111122223333.dkr.ecr.us-isob-east-1.sc2s.sgov.gov":               true,
		"111122223333.dkr.ecr-fips.us-isob-east-1.sc2s.sgov.gov":          true,
		"111122223333.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk":              true,
		"111122223333.dkr.ecr-fips.eu-isoe-west-1.cloud.adc-e.uk":         true,
		"111122223333.dkr.ecr.us-isof-south-1.csp.hci.ic.gov":             true,
		"111122223333.dkr.ecr-fips.us-isof-south-1.csp.hci.ic.gov":        true,
		"111122223333.dkr.ecr.eusc-de-east-1.amazonaws.eu":                true,
		"container.cloud.google.com":                                      true,
		"gcr.io":                                                          true,
		"eu.gcr.io":                                                       true,
		"europe-west3-docker.pkg.dev":                                     true,
		"docker.pkg.dev":                                                  true,
		"shop.azurecr.io":                                                 true,
		"shop-a1b2c3.azurecr.io":                                          true,
		"shop.westeurope.data.azurecr.io":                                 true,
		"shop.azurecr.cn":                                                 true,
		"shop.azurecr.de":                                                 true,
		"shop.azurecr.us":                                                 true,
		"cr.yandex":                                                       true,

		"public.ecr.aws":                false,
		"ecr-public.aws.com":            false,
		"mcr.microsoft.com":             false,
		"docker.io":                     false,
		"quay.io":                       false,
		"ghcr.io":                       false,
		"registry.k8s.io":               false,
		"amazonaws.com":                 false,
		"dkr.ecr.eu-west-1.example.com": false,
		"azurecr.io":                    false,
		"pkg.dev":                       false,
		"gcr.io.example.com":            false,
		"my-cr.yandex":                  false,
	}
	for host, want := range tests {
		if got := list.MatchHost(host); got != want {
			t.Errorf("%s is credentialed: %t, want %t", host, got, want)
		}
	}
}
