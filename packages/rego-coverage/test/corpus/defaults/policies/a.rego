package defaults

default allow := false

default reason := {
	"code": 0,
	"text": "none",
}

default unused := "never asked for"

allow if input.ok

reason := {"code": 1, "text": "no"} if not input.ok
