// Package podspec reads what the nodes will pull out of any object that holds or makes pods.
//
// Think of it as a lens. Whatever the object, a CronJob or a bare pod, behind it there is one pod spec; [Decode] finds
// it and lists its uses, each with the reference as the kubelet parses it and the pull policy as the API server
// defaults it. From there on nobody needs to know which kind of object it was.
//
// The package asks nobody anything: the same bytes give the same uses. It alone knows the kubelet's grammar of image
// names, so that no other opinion of it can creep in.
package podspec
