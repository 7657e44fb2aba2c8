package untested.c

x if {
	input.x
}
