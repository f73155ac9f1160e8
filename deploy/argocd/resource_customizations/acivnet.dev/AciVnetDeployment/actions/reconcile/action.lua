-- Asks the operator to look at once; docs/runbook.md has the annotation.
local os = require("os")
if obj.metadata.annotations == nil then
    obj.metadata.annotations = {}
end
obj.metadata.annotations["acivnet.dev/reconcile-requested-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
