package multi_line_test

import data.multi_line

test_allowed if {
	count(multi_line.deny) == 0 with input as {
		"kind": "Deployment",
		"metadata": {"name": "web"},
		"spec": {"template": {"spec": {"containers": [{"image": "registry.example/a:1"}]}}},
	}
}
