// Package plugin runs the credential providers of the kubelet: programs that return credentials for one image (kubelet:
// pkg/credentialprovider/plugin).
//
//	repository ─ matchImages ─ cache ─ slot ─ exec ─ CredentialProviderResponse ─ credentials.Keyring
//
// [Providers] implements credentials.Provider and reads the kubelet's configuration file. A program that fails, or does not
// respond in time, is a problem. The nodes may then have credentials that Pullgate could not get.
//
//	providers, err := plugin.New(plugin.Options{Files: os.DirFS(dir), Name: "providers.yaml", BinDir: binDir, Log: log})
//	defer providers.Close()
//	node := credentials.Node{Source: source, Providers: providers}
package plugin
