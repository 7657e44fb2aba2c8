package template_strings_test

import data.template_strings

test_greeting if template_strings.greeting == "hello a, you are 2" with input as {"name": "a", "age": 1}
