package with_overrides

base := data.config.base

scaled := base * factor

factor := 2 if input.double

factor := 1 if not input.double

check if {
	scaled > 10 with input.double as true
	data.with_overrides.factor == 1 with input as {}
}
