use super::*;

/// Logs of the real server, by what breaks (see the file's head).
const LOGS: &str = include_str!("logs.txt");

fn log(name: &str) -> String {
    let found = LOGS.split("\n=== ").find_map(|one| one.strip_prefix(name)?.strip_prefix('\n'));
    found.unwrap_or_else(|| panic!("no log {name}")).to_owned()
}

fn told(log: &str) -> (&'static str, String) {
    let crash = of_log(log).unwrap_or_else(|| panic!("nothing told of {log}"));
    (crash.reason, crash.what)
}

const PYTHON: &str = reasons::SCORING_SCRIPT_CRASHED;

/// What is to be told of each log, by hand.
const TOLD: &[(&str, &str, &str)] = &[
    ("raise-in-init", PYTHON, "itself: WeightsMissing: weights file /mnt/w.bin is not there (score.py, line 9)"),
    (
        "raise-from",
        PYTHON,
        "itself: RuntimeError: the model can not be loaded (score.py, line 5), caused by KeyError: 'weights' (score.py, line 3)",
    ),
    (
        "during-handling",
        PYTHON,
        "itself: LookupError: no fallback for the model either (score.py, line 8), while handling FileNotFoundError: \
         [Errno 2] No such file or directory: '/nowhere/model.pkl' (score.py, line 3)",
    ),
    ("no-message", PYTHON, "itself: NotImplementedError (score.py, line 2)"),
    ("notes", PYTHON, "itself: KeyError: 'weights' the key comes from settings.json see: the wiki (score.py, line 5)"),
    (
        "multi-line",
        PYTHON,
        "itself: ValueError: the model is broken: TypeError: not the cause, a line of the message at layer 3 ask the data team (score.py, line 2)",
    ),
    (
        "group",
        PYTHON,
        "itself: ExceptionGroup: the model has faults (2 sub-exceptions) ValueError: layer 1 has no weights TypeError: \
         layer 2 is a str (score.py, line 3)",
    ),
    ("syntax", PYTHON, "itself: SyntaxError: '(' was never closed (score.py, line 2)"),
    ("system-exit", PYTHON, "itself: SystemExit: no licence for the model (score.py, line 4)"),
    ("system-exit-code", PYTHON, "itself: SystemExit: 7 (score.py, line 4)"),
    ("os-exit", PYTHON, "the scoring worker ends with exit code 5 and logs no error"),
    ("no-init", PYTHON, "AttributeError: module 'service_driver' has no attribute 'init'"),
    ("no-run", PYTHON, "AttributeError: module 'service_driver' has no attribute 'run'"),
    ("run-no-parameters", PYTHON, "itself: run() needs to accept an argument for input data."),
    ("run-any-arguments", PYTHON, "run() cannot accept positional-only arguments, *args, or **kwargs."),
    ("module-not-found", PYTHON, "itself: ModuleNotFoundError: No module named 'torch' (score.py, line 2)"),
    ("import-name", PYTHON, "itself: ImportError: cannot import name 'no_such_thing' from 'numpy'"),
    ("pickle-attribute", PYTHON, "itself: AttributeError: Can't get attribute 'ChurnModel' on <module '__main__' from"),
    ("pickle-module", PYTHON, "itself: ModuleNotFoundError: No module named 'sklearn' (score.py, line 4)"),
    ("pickle-empty", PYTHON, "itself: EOFError: Ran out of input (score.py, line 6)"),
    ("missing-environment", PYTHON, "itself: KeyError: 'NO_SUCH_VARIABLE' (score.py, line 4)"),
    ("segfault", reasons::WORKER_CRASHED, "crashes: Segmentation fault in score.py, line 4"),
    ("abort", reasons::WORKER_CRASHED, "crashes: Aborted in score.py, line 4"),
    ("killed", reasons::OUT_OF_MEMORY, "is killed (SIGKILL, 137)"),
    ("memory-error", PYTHON, "itself: MemoryError (score.py, line 2)"),
    ("recursion", PYTHON, "itself: RecursionError: maximum recursion depth exceeded (score.py, line 2)"),
    ("keyboard", PYTHON, "itself: KeyboardInterrupt (score.py, line 2)"),
    ("in-helper", PYTHON, "itself: RuntimeError: no weights beside the script (helper.py, line 2)"),
    ("prints-before", PYTHON, "itself: RuntimeError: the cause (score.py, line 11)"),
    ("json", PYTHON, "itself: json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1"),
    ("unicode", PYTHON, "itself: Größenfehler: das Modell hat die Größe 0 – Abbruch (score.py, line 5)"),
    ("named-done", PYTHON, "itself: done: not now (score.py, line 5)"),
    ("thread", PYTHON, "itself: RuntimeError: the thread did not load the model (score.py, line 8)"),
    ("subprocess", PYTHON, "itself: subprocess.CalledProcessError: Command '["),
];

#[test]
fn the_scripts_own_error_is_told() {
    for (name, reason, what) in TOLD {
        let told = told(&log(name));
        assert!(told.0 == *reason && told.1.contains(what), "{name}: {told:?}");
        assert!(!told.1.contains("UserScriptException"), "{name}: {told:?}");
    }
}

#[test]
fn stamps_of_the_container_runtime_change_nothing() {
    for (name, reason, what) in TOLD {
        for stamp in ["2026-11-29T18:02:50.123456789Z stdout F ", "2026-11-29T18:02:50.1234567Z "] {
            let stamped: String = log(name).lines().map(|line| format!("{stamp}{line}\n")).collect();
            let told = told(&stamped);
            assert!(told.0 == *reason && told.1.contains(what), "{name}: {told:?}");
        }
    }
}

/// A log is asked for by its last lines, and Azure cuts it, too.
#[test]
fn a_log_without_its_beginning_tells_the_same() {
    for name in ["raise-in-init", "raise-from", "module-not-found", "in-helper"] {
        let (whole, log) = (told(&log(name)), log(name));
        let lines: Vec<&str> = log.lines().collect();
        let script = lines.iter().position(|line| line.contains("azureml-app/score.py\", line")).unwrap();
        let cut = lines[script..].join("\n");
        assert_eq!(told(&cut), whole, "{name}");
    }
}

#[test]
fn a_log_without_its_end_never_blames_the_wrapper() {
    for (name, ..) in TOLD {
        let log = log(name);
        let lines: Vec<&str> = log.lines().collect();
        for end in 0..lines.len() {
            let crash = of_log(&lines[..end].join("\n"));
            assert!(crash.is_none_or(|crash| !crash.what.contains("UserScript")), "{name} up to line {end}");
        }
    }
}

#[test]
fn the_newest_start_counts() {
    let (old, new) = (log("raise-in-init"), log("module-not-found"));
    assert!(told(&format!("{old}{new}")).1.contains("torch"));
    assert!(told(&format!("{new}{old}")).1.contains("WeightsMissing"));
    assert!(told(&format!("{old}{}", log("killed"))).1.contains("SIGKILL"));
    assert_eq!(of_log(&format!("{old}{}", log("not-serializable"))), None, "what was started last runs");
    let begun: String = new.lines().take(6).map(|line| format!("{line}\n")).collect();
    assert!(told(&format!("{old}{begun}")).1.contains("WeightsMissing"), "the new start has not come as far yet");
}

#[test]
fn errors_of_requests_are_no_crash_and_told_for_a_probe() {
    for (name, error) in [
        ("not-serializable", "TypeError: Object of type ndarray is not JSON serializable"),
        ("raise-in-run", "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0) (score.py, line 7)"),
    ] {
        assert_eq!((of_log(&log(name)), of_request(&log(name)).as_deref()), (None, Some(error)), "{name}");
    }
}

/// The worker serves, the sample request kills it, and another worker serves.
#[test]
fn a_worker_that_a_request_kills_is_told_for_a_probe() {
    let log = log("segfault-run");
    assert_eq!(of_log(&log), None, "{log}");
    let crash = of_worker(&log).expect("the end of the worker");
    assert!(crash.reason == reasons::WORKER_CRASHED && crash.what.ends_with("score.py, line 7"), "{crash:?}");
}

/// Forms of gunicorn 19 to 23 (`arbiter.py`), of Azure's images and of a shell.
#[test]
fn the_end_of_a_worker_in_other_words() {
    let at = "[2026-11-29 18:02:50 +0000] [8] [ERROR] ";
    let start = "[2026-11-29 18:02:49 +0000] [8] [INFO] Booting worker with pid: 31\n";
    for (end, reason, what) in [
        ("Worker (pid:31) was sent SIGKILL! Perhaps out of memory?", reasons::OUT_OF_MEMORY, "SIGKILL"),
        ("Worker with pid 31 was terminated due to signal 9", reasons::OUT_OF_MEMORY, "SIGKILL"),
        ("Worker (pid:31) was sent code 137!", reasons::OUT_OF_MEMORY, "SIGKILL"),
        ("Worker (pid:31) was sent code 139!", reasons::WORKER_CRASHED, "SIGSEGV"),
        ("Worker (pid:31) was sent SIGSEGV!", reasons::WORKER_CRASHED, "SIGSEGV"),
        ("Worker (pid:31) was sent SIGILL!", reasons::WORKER_CRASHED, "SIGILL"),
        ("Worker (pid:31) exited with code 5", PYTHON, "exit code 5"),
    ] {
        let told = told(&format!("{start}{at}{end}\n"));
        assert!(told.0 == reason && told.1.contains(what), "{end}: {told:?}");
    }
    let timeout = format!(
        "{start}[2026-11-29 18:02:50 +0000] [8] [CRITICAL] WORKER TIMEOUT (pid:31)\n{at}Worker (pid:31) was sent SIGKILL! Perhaps out of memory?\n"
    );
    assert!(told(&timeout).1.contains("WORKER TIMEOUT"), "no want of memory");
    assert_eq!(of_log(&format!("{start}{at}Worker (pid:31) was sent SIGTERM!\n")), None, "it was told to stop");
}

/// A script may log what it handles, and go on.
#[test]
fn an_error_that_was_logged_is_not_surely_the_end() {
    let handled: String = log("prints-before")
        .lines()
        .take_while(|line| !line.contains("init function failed"))
        .map(|line| format!("{line}\n"))
        .collect();
    let crash = of_log(&handled).unwrap();
    assert!(!crash.sure && crash.what.contains("ZeroDivisionError"), "{crash:?}");
    assert!(of_log(&log("prints-before")).unwrap().sure);
}

/// gunicorn's own report, as before Microsoft's server ended its process by itself.
#[test]
fn the_exit_of_the_server_is_no_error_of_the_script() {
    let log = "[2026-11-29 18:02:50 +0000] [31] [ERROR] Exception in worker process\nTraceback (most recent call last):\n  \
        File \"/var/azureml-app/score.py\", line 9, in init\n    raise WeightsMissing()\nservice_driver.WeightsMissing\n\n\
        During handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  \
        File \"/azureml-envs/e/lib/python3.8/site-packages/azureml_inference_server_http/server/aml_blueprint.py\", line 150, in setup\n    sys.exit(3)\nSystemExit: 3\n";
    assert!(told(log).1.ends_with("itself: WeightsMissing (score.py, line 9)"), "{:?}", told(log));
}

#[test]
fn a_long_message_leaves_room_for_the_place_and_a_secret_is_hidden() {
    let of = |message: &str| {
        format!(
            "Traceback (most recent call last):\n  File \"/var/azureml-app/source/score.py\", line 7, in init\n    x\nValueError: {message}\n"
        )
    };
    let long = told(&of(&"é".repeat(5000))).1;
    assert!(long.ends_with("… (source/score.py, line 7)") && long.chars().count() < 230, "{long}");
    let hidden = told(&of("GET https://bob:pw@example.org/?sig=abc failed")).1;
    assert!(!hidden.contains("pw@") && !hidden.contains("abc"), "{hidden}");
    assert_eq!(of_log(&"x".repeat(1 << 20)), None);
    assert_eq!(of_log(&format!("é{}", "é\n".repeat(1 << 18))), None, "cut in the middle of a character");
}
