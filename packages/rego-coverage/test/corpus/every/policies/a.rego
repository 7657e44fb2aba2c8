package every_case

all_signed if {
	every image in input.images {
		image.signed
		startswith(image.name, "registry.example/")
	}
}

keys_short if every key, value in input.labels {
	count(key) < 5
	value != ""
}

nested if every row in input.rows {
	every cell in row {
		cell > 0
	}
}
