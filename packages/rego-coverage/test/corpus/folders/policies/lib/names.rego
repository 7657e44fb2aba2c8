package lib.names

full(x) := sprintf("%s/%s", [x.namespace, x.name]) if x.namespace

full(x) := x.name if not x.namespace
