package strict_style

import rego.v1

_private if input.p

used contains x if {
	x := input.xs[_]
	x != null
	_ = count(x)
}

shadow := y if {
	y := [z | z := 3][0]
} else := 1
