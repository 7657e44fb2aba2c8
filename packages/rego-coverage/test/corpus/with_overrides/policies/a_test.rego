package with_overrides_test

import data.with_overrides

test_check if with_overrides.check with data.config as {"base": 6}

test_factor if with_overrides.scaled == 6 with data.config.base as 6 with with_overrides.factor as 1
