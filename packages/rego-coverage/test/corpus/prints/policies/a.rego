package prints

allow if {
	print("asked by", input.user)
	input.user == "root"
	print("allowed")
}

other if {
	print("never")
	input.x
}
