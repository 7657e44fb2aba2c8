package some_declarations_test

import data.some_declarations

test_pairs if some_declarations.pairs == {[0, 1]} with input.matrix as [[0, 1]]

test_in if not some_declarations.in_operator with input as {"x": 1, "v": 4}
