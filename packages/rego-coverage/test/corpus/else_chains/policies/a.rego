package else_chains

level := "high" if {
	input.score > 90
} else := "middle" if {
	input.score > 50
	input.paid
} else := "low" if {
	input.score > 10
} else := "none"

sign(x) := 1 if x > 0

else := -1 if x < 0

else := 0
