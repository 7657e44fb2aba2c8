package strict_style_test

import data.strict_style

test_used if strict_style.used == {"ab"} with input.xs as ["ab"]
