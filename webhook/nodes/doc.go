// Package nodes models the nodes that a pod may run on: their platforms, their container runtimes and the images that they
// report.
//
//	Inventory, Snapshot or Declared ─ Candidates of a pod ─ Fit of an index
//	                                                      └ Presence of an image
//
// The candidates are the nodes that pass the scheduler's filters on selectors, affinity, taints and allocatable resources. Its
// other filters, such as those on free resources, only choose among them.
//
//	candidates := inventory.Candidates(&pod.Spec)
//	fit, compared := candidates.Serve(index.Platforms)
//	presence := candidates.Presence(ref)
//
// An [Inventory] watches Node objects, a [Snapshot] has listed them once, and [Declared] has only platforms that the operator
// configured. Facts that are not known never justify a denial: a node may join, become ready or report its images later.
package nodes
