package walks_test

import data.walks

test_secret if walks.secrets == {["a", "b"]} with input as {"a": {"b": "secret:x"}}

test_depth if walks.depth == 2 with input as {"a": {"b": 1}}
