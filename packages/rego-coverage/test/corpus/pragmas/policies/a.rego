package pragmas

allow if input.ok

# rego-coverage ignore: asked for by old clients, gone in June
legacy if {
	input.version < 3
	input.legacy
}

deny contains "no" if {
	input.a
	input.b # rego-coverage ignore: checked by the gateway
}
