package every_case_test

import data.every_case

test_unsigned if not every_case.all_signed with input.images as [{"name": "a", "signed": false}]

test_nested_empty if every_case.nested with input.rows as [[]]
