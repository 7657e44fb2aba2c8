package kubernetes_yaml_test

import data.kubernetes_yaml

test_limits if count(kubernetes_yaml.deny) == 0 with input.spec.containers as [{"name": "a", "resources": {"limits": {"cpu": 1}}}]
