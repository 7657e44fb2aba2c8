package boolean_heads_test

import data.boolean_heads

test_yes if boolean_heads.yes

test_both if not boolean_heads.both with input as {}
