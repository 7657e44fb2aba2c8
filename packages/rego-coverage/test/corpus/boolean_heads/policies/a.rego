package boolean_heads

yes := true

no := false if input.no

both := true if {
	input.a
} else := false

implied if input.implied
