package json_types_test

import data.json_types

test_name if json_types.config.name == "a"
