// The container that holds a pod's namespaces open.
module stackctl.invalid/sandbox/pause

go 1.24.0
