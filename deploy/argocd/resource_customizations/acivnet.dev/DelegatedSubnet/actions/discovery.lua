local actions = {}
local deleting = obj.metadata.deletionTimestamp ~= nil

actions["reconcile"] = {
    ["iconClass"] = "fa fa-fw fa-sync",
    ["displayName"] = "Look at Azure now"
}
if obj.spec.suspend then
    actions["resume"] = {
        ["iconClass"] = "fa fa-fw fa-play",
        ["displayName"] = "Write to Azure again",
        ["disabled"] = deleting
    }
else
    actions["suspend"] = {
        ["iconClass"] = "fa fa-fw fa-pause",
        ["displayName"] = "Write nothing to Azure until resumed",
        ["disabled"] = deleting
    }
end
return actions
