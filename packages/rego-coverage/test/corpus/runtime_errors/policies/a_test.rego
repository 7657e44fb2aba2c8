package runtime_errors_test

import data.runtime_errors

test_conflict if runtime_errors.allow with input as {"a": true, "b": true}

test_zero_is_undefined if not runtime_errors.ratio with input as {"a": 1, "b": 0}

test_wrong if runtime_errors.ratio == 3 with input as {"a": 4, "b": 2}
