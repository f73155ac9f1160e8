local actions = {}
local deleting = obj.metadata.deletionTimestamp ~= nil
local hash = obj.status ~= nil and obj.status.plan ~= nil and obj.status.plan.hash or nil
local approved = obj.metadata.annotations ~= nil and obj.metadata.annotations["acivnet.dev/approve-plan"] or nil

actions["reconcile"] = {
    ["iconClass"] = "fa fa-fw fa-sync",
    ["displayName"] = "Look at Azure now"
}
actions["restart"] = {
    ["iconClass"] = "fa fa-fw fa-recycle",
    ["displayName"] = "Roll the web service, with the same content",
    ["disabled"] = deleting
}
actions["approve"] = {
    ["iconClass"] = "fa fa-fw fa-check",
    ["displayName"] = "Approve the plan: the web service is deleted and created",
    ["disabled"] = deleting or hash == nil or hash == approved
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
