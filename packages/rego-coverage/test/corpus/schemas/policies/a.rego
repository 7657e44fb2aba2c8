# METADATA
# schemas:
#   - input: schema["pod-v1"]
package schemas

# METADATA
# schemas:
#   - input.spec: schema.elsewhere
allow if input.spec.replicas > 1

deny if not input.spec.replicas
