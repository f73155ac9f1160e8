-- The web service rolls once, with the same content.
local os = require("os")
if obj.metadata.annotations == nil then
    obj.metadata.annotations = {}
end
obj.metadata.annotations["acivnet.dev/restart-requested-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
