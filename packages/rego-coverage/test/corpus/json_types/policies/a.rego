package json_types

config := {
	"name": "a",
	"nested": {
		"list": [
			1,
			2.5e3,
			null,
		],
		"set": {1, 2},
	},
	"flag": true,
}

unused := {
	"x": 1,
	"y": 2,
}
