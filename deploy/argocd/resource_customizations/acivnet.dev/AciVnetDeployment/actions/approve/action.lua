-- Approves the plan that stands in the status now, and no other: its hash covers the generation and what is deleted.
if obj.status == nil or obj.status.plan == nil or obj.status.plan.hash == nil then
    error("nothing waits for approval: status.plan has no hash", 0)
end
if obj.metadata.annotations == nil then
    obj.metadata.annotations = {}
end
obj.metadata.annotations["acivnet.dev/approve-plan"] = obj.status.plan.hash
return obj
