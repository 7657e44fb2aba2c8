package index_excluded_test

import data.index_excluded

test_load_balancer if "load balancer" in index_excluded.deny with input as {"type": "LoadBalancer"}
