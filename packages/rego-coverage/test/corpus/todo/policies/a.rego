package todo

allow if input.ok

deny if {
	input.bad
}
