package same

helper(x) if x == 1

helper(x) if {
	x == 2
	input.two
}
