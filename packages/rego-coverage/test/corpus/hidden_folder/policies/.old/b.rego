package hidden.b

x := 1 if {
	input.b
}
