package kubernetes_yaml

deny contains msg if {
	some container in input.spec.containers
	not container.resources.limits
	msg := sprintf("container %q has no limits", [container.name])
}
