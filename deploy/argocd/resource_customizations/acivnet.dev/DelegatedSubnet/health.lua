-- Both kinds of acivnet.dev speak in the same conditions: Ready sums up, Stalled says that somebody has to act, Reconciling
-- that work goes on. The message is always "Reason: what it says of itself"; docs/runbook.md has a row for each reason.
local hs = {}

-- The container of a model tells why it does not come up before Azure gives up on it; a model that answers wrongly is up.
local broken = {
    ScoringScriptCrashed = true,
    OutOfMemory = true,
    WorkerCrashed = true,
    ProbeFailed = true,
}

-- Somebody wants it so, or is asked.
local waits = {
    Suspended = true,
    ApprovalRequired = true,
}

local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
    for _, condition in ipairs(obj.status.conditions) do
        conditions[condition.type] = condition
    end
end

local function is(name, status)
    return conditions[name] ~= nil and conditions[name].status == status
end

local function say(status, name)
    hs.status = status
    hs.message = conditions[name].reason .. ": " .. conditions[name].message
    return hs
end

local seen = obj.status ~= nil and obj.status.observedGeneration == obj.metadata.generation

if obj.metadata.deletionTimestamp ~= nil then
    if is("DeletionBlocked", "True") then
        say(is("Stalled", "True") and "Degraded" or "Progressing", "DeletionBlocked")
    elseif is("Reconciling", "True") then
        say("Progressing", "Reconciling")
    else
        hs.status = "Progressing"
        hs.message = "Deleting: not checked yet"
    end
    hs.deletionMessage = hs.message
    return hs
end

if not seen then
    hs.status = "Progressing"
    hs.message = "Progressing: the operator has not looked at this generation yet"
    return hs
end

if is("Stalled", "True") then
    return say(waits[conditions.Stalled.reason] and "Suspended" or "Degraded", "Stalled")
end

if is("Ready", "False") and broken[conditions.Ready.reason] then
    return say("Degraded", "Ready")
end

if is("Reconciling", "True") then
    return say("Progressing", "Reconciling")
end

if is("Ready", "True") and conditions.Ready.observedGeneration == obj.metadata.generation then
    if obj.spec.suspend then
        hs.status = "Suspended"
        hs.message = "Suspended: spec.suspend is true"
        return hs
    end
    say("Healthy", "Ready")
    -- Only told, with drift.mode Detect: what runs answers, and Azure differs from Git.
    if is("DriftDetected", "True") then
        hs.message = hs.message .. "; " .. conditions.DriftDetected.reason .. ": " .. conditions.DriftDetected.message
    end
    return hs
end

if is("Ready", "False") then
    return say("Degraded", "Ready")
end

if conditions.Ready ~= nil then
    return say("Progressing", "Ready")
end

hs.status = "Progressing"
hs.message = "Progressing: the operator has not looked at it yet"
return hs
