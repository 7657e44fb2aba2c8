package negation

allow if not deny

deny if {
	not input.user
}

deny if {
	not "staff" in input.groups
	input.strict
}

orphan if {
	not data.negation.allow
	not input.x == 1
}
