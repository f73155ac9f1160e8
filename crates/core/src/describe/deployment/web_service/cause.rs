//! Why a web service failed, from its body, its operation and its container's log.

use crate::{
    describe::deployment::crash::{self, Crash},
    failure::Cause,
    retry,
    retry::Retry,
    scrub,
};
use acivnet_api::conditions::reasons;
use serde_json::Value;

/// The root cause of a failed web service, with the telling line of a log.
pub fn of_service(service: &Value, operation: Option<&Value>, log: Option<&str>) -> Cause {
    let errors = [operation.and_then(|operation| operation.get("error")), service.get("error")];
    let codes: Vec<&str> = errors.iter().copied().flatten().flat_map(codes).collect();
    let (retry, reason) = retry::classify(400, &codes);
    let building = operation.is_some_and(failed_to_build);
    let message = errors.iter().copied().flatten().find_map(message).unwrap_or("Azure gives no reason");
    if building || reason == reasons::IMAGE_BUILD_FAILED {
        let tail = operation.and_then(|operation| operation.get("operationLogTail")).and_then(Value::as_str);
        let line = tail.and_then(failing_line).unwrap_or(message);
        return cause(
            reasons::IMAGE_BUILD_FAILED,
            format!("the image of the environment could not be built: {}; correct the conda file", scrub::clean(line)),
            retry,
        );
    }
    let ends = reason == reasons::SCORING_SCRIPT_CRASHED;
    if ends || codes.contains(&"AciDeploymentFailed") {
        let told = log.and_then(crash::of_log).map(|crash| crashed(&crash, retry));
        let told = told.or_else(|| ends.then(|| unexplained(message, log, retry)));
        if let Some(cause) = told {
            return cause;
        }
    }
    if reason == reasons::AZURE_REFUSED {
        return cause(reasons::SERVICE_FAILED, format!("Azure ML: {}", scrub::clean(message)), Retry::Slowly);
    }
    cause(reason, format!("Azure ML: {}", scrub::clean(message)), retry)
}

fn cause(reason: &'static str, message: String, retry: Retry) -> Cause {
    Cause { reason, message, retry }
}

/// The cause from the log of a container that does not start, while Azure still waits for it.
pub fn of_start(log: &str) -> Option<Cause> {
    crash::of_log(log).filter(|crash| crash.sure).map(|crash| crashed(&crash, Retry::Soon))
}

fn crashed(crash: &Crash, retry: Retry) -> Cause {
    cause(crash.reason, format!("{}; {}", crash.what, crash.advice), retry)
}

/// The cause if Azure says that the container exits, but its log does not say why in a known form.
fn unexplained(message: &str, log: Option<&str>, retry: Retry) -> Cause {
    let killed =
        ["137", "OOMKilled"].iter().any(|word| message.split(|c: char| !c.is_alphanumeric()).any(|part| part == *word));
    if killed {
        let message = format!("{}; raise spec.resources.memory, or load less", scrub::clean(message));
        return cause(reasons::OUT_OF_MEMORY, message, retry);
    }
    let line = scrub::clean(log.and_then(error_line).unwrap_or(message));
    let message =
        format!("the container exits by itself: {line}; correct the scoring script, the model or the environment");
    cause(reasons::SCORING_SCRIPT_CRASHED, message, retry)
}

fn failed_to_build(operation: &Value) -> bool {
    let kind = operation.pointer("/operationDetails/subOperationType").and_then(Value::as_str).unwrap_or_default();
    let state = operation.get("state").and_then(Value::as_str).unwrap_or_default();
    kind.starts_with("Build") && matches!(state, "Failed" | "TimedOut" | "Cancelled")
}

/// Error codes, the most telling (innermost) first.
fn codes(error: &Value) -> Vec<&str> {
    let details = error.get("details").and_then(Value::as_array).into_iter().flatten();
    let mut codes: Vec<&str> = details.filter_map(|one| one.get("code").and_then(Value::as_str)).collect();
    codes.extend(error.get("code").and_then(Value::as_str));
    codes
}

fn message(error: &Value) -> Option<&str> {
    let details = error.get("details").and_then(Value::as_array).into_iter().flatten();
    let inner = details.filter_map(|one| one.get("message").and_then(Value::as_str)).find(|text| !text.is_empty());
    inner.or_else(|| error.get("message").and_then(Value::as_str))
}

/// The last line of a build log that names an error, or else its last line.
fn failing_line(log: &str) -> Option<&str> {
    let lines = || log.lines().map(str::trim).filter(|line| !line.is_empty());
    let tells = |line: &&str| {
        ["error", "no solution", "not found", "conflict", "unsatisfiable"]
            .iter()
            .any(|word| line.to_ascii_lowercase().contains(word))
    };
    let own = |line: &&str| !line.to_ascii_lowercase().contains("exit code");
    lines().filter(own).rfind(tells).or_else(|| lines().next_back())
}

/// The last line of a log of the form `SomeError: text`.
fn error_line(log: &str) -> Option<&str> {
    let is_error = |line: &&str| {
        let name = line.split([':', ' ', '(']).next().unwrap_or_default();
        let last = name.rsplit('.').next().unwrap_or_default();
        let word = !last.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
        word && ["Error", "Exception", "Exit", "Interrupt", "Warning"].iter().any(|end| last.ends_with(end))
            && !last.ends_with("Warning")
    };
    log.lines().map(str::trim).rfind(is_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn table() {
        let crash = json!({"state": "Failed", "error": {"code": "AciDeploymentFailed", "statusCode": 400, "message": "Aci Deployment failed",
            "details": [{"code": "CrashLoopBackOff", "message": "Your container application crashed."}]}});
        let log = "Traceback (most recent call last):\n  File \"score.py\", line 3, in init\nKeyError: 'AZUREML_MODEL_DIR'\n2026 worker exit\n";
        let got = of_service(&crash, None, Some(log));
        assert_eq!(got.reason, reasons::SCORING_SCRIPT_CRASHED);
        assert!(got.message.contains("KeyError: 'AZUREML_MODEL_DIR'"), "{}", got.message);

        let build = json!({"state": "Failed", "operationDetails": {"subOperationType": "BuildEnvironment"}, "error": {"code": "EnvironmentBuildFailed", "message": "failed"},
            "operationLogTail": "Collecting x\nERROR: No matching distribution found for nosuchpackage==9\nProcess ended with exit code 1\n"});
        let got = of_service(&json!({"state": "Failed"}), Some(&build), None);
        assert_eq!(got.reason, reasons::IMAGE_BUILD_FAILED);
        assert!(got.message.contains("No matching distribution found for nosuchpackage==9"), "{}", got.message);

        for (code, reason) in [
            ("ContainerGroupQuotaReached", reasons::QUOTA_EXCEEDED),
            ("SubnetIsFull", reasons::SUBNET_FULL),
            ("SubnetMissingRequiredDelegation", reasons::SUBNET_NOT_DELEGATED),
            ("Strange", reasons::SERVICE_FAILED),
        ] {
            let service =
                json!({"error": {"code": "AciDeploymentFailed", "details": [{"code": code, "message": "m"}]}});
            assert_eq!(of_service(&service, None, None).reason, reason, "{code}");
        }
    }
}
