package early_exit

allow if {
	some role in input.roles
	role == "admin"
}

allow if {
	some role in input.roles
	role == "owner"
}

allow if {
	input.break_glass
}
