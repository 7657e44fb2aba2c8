package multi_line

deny contains msg if {
	input.kind == "Deployment"
	allowed := {
		"registry.example/a",
		"registry.example/b",
	}
	some container in input.spec.template.spec.containers
	not startswith_any(
		container.image,
		allowed,
	)
	msg := sprintf(
		"%s: image %s is not allowed",
		[
			input.metadata.name,
			container.image,
		],
	)
}

startswith_any(text, prefixes) if {
	some prefix in prefixes
	startswith(
		text,
		prefix,
	)
}
