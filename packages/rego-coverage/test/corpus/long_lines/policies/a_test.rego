package long_lines_test

import data.long_lines

test_not if not long_lines.allow with input as {"a": true, "b": false}

test_two if long_lines.one == 2 with input.two as true
