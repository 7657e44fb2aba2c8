package k8srequiredlabels

test_no_labels {
	results := violation with input as {"review": {"object": {"metadata": {}}}, "parameters": {"labels": [{"key": "some"}]}}
	count(results) == 1
}
