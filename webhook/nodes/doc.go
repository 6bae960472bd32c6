// Package nodes knows the nodes that a pod may run on: what they can run, and which images they hold already.
//
// Think of it as the scheduler's first step, stopped there. Of all nodes those are left that the pod may be bound to, its
// [Candidates], and two questions can be put to them: how an image index serves them ([Candidates.Serve]), and whether they
// hold an image ([Candidates.Holding]). Everything else about scheduling, such as room or spreading, only chooses among them.
//
// There are three ways to know nodes. An [Inventory] watches Node objects, a [Snapshot] has listed them once, and
// [Declared] is what somebody wrote down about them. What can't be known is a doubt and never a reason to refuse a pod:
// a node may join, be uncordoned or report its images a moment later.
//
// Besides, a [LocalRegistry] or [Hosting] knows where the registry is that the nodes call their own, if the cluster says so.
package nodes
