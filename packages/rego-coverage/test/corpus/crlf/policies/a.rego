package crlf

default allow := false

allow if {
	input.user == "root"
	input.night
}
