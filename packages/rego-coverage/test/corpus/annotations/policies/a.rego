# METADATA
# title: Accounts
# scope: package
package annotations

# METADATA
# title: May it be read?
# description: |
#   Readers may.
# scope: rule
allow if {
	input.role == "reader"
	rego.metadata.rule().title == "May it be read?"
}

# METADATA
# title: Never asked
closed if input.closed
