package imports.lib

import rego.v1

upper_all(xs) := {upper(x) | some x in xs}
