use super::*;
use serde_json::json;

fn read(dependencies: Value) -> Result<Requirements, Refused> {
    requirements(&json!({"python": {"condaDependencies": {"channels": [], "dependencies": dependencies}}}))
}

fn pip(line: &str) -> Result<Requirements, Refused> {
    read(json!([{"pip": [line]}]))
}

#[test]
fn conda_packages_come_from_the_python_index() {
    let found = read(json!(["numpy=1.26", "conda-forge::pytorch=2.1", "pip"])).unwrap();
    assert_eq!(found.packages, ["numpy==1.26.*", "torch==2.1.*", "pip"]);
    assert_eq!(found.from_channels, ["numpy", "torch", "pip"]);
    assert!(found.notes.iter().any(|note| note.contains("pytorch is torch")), "{:?}", found.notes);
}

#[test]
fn python_is_the_interpreter_in_whatever_spelling() {
    for (spec, specifier) in [
        (json!(["python=3.11"]), "==3.11.*"),
        (json!(["conda-forge::Python=3.11"]), "==3.11.*"),
        (json!(["python=3.11.7=h955ad1f_0"]), "==3.11.7"),
        (json!(["python"]), ">=3.9"),
        (json!(["numpy"]), ">=3.9"),
        (json!(["python>=3.9", "python=3.10.18"]), ">=3.9,==3.10.18"),
    ] {
        assert_eq!(read(spec.clone()).unwrap().python.specifier(), specifier, "{spec}");
    }
    let two = read(json!(["conda-forge::python=3.11", "python=3.10.18"])).unwrap_err();
    assert!(matches!(&two, Refused::Mistake(why) if why.contains("Unsatisfiable")), "{two}");
}

#[test]
fn what_is_no_python_package_is_left_out_with_a_note() {
    for name in ["libgcc-ng", "cudatoolkit=11.8", "_libgcc_mutex=0.1=main", "gcc_linux-64", "r-base", "nodejs>=18"] {
        let found = read(json!([name, "numpy"])).unwrap();
        assert_eq!(found.packages, ["numpy"], "{name}");
        assert!(found.notes.iter().any(|note| note.contains("a limit of this simulator")), "{name}: {:?}", found.notes);
    }
}

#[test]
fn options_and_addresses_of_the_pip_section_go_to_the_installer() {
    for (line, option) in [
        ("--extra-index-url https://x/simple", "--extra-index-url https://x/simple"),
        ("--extra-index-url=https://x/simple", "--extra-index-url https://x/simple"),
        ("-i https://x/simple", "--index-url https://x/simple"),
        ("-fhttps://x/links.html", "--find-links https://x/links.html"),
        ("--no-binary :all:", "--no-binary :all:"),
    ] {
        assert_eq!(pip(line).unwrap().options, [option], "{line}");
    }
    let split = read(json!([{"pip": ["six", "--extra-index-url", "https://x/simple", "wheel"]}])).unwrap();
    assert_eq!(
        (split.options, split.packages),
        (vec!["--extra-index-url https://x/simple".to_owned()], vec!["six".to_owned(), "wheel".to_owned()])
    );
    assert!(matches!(pip("--extra-index-url"), Err(Refused::Mistake(why)) if why.contains("no value")));
    assert_eq!(pip("--pre").unwrap().arguments, ["--prerelease", "allow"]);
    assert_eq!(pip("--trusted-host x").unwrap().arguments, ["--allow-insecure-host", "x"]);
    for line in [
        "azureml-defaults",
        "scikit-learn[extra]~=1.3",
        "https://x/a-1-py3-none-any.whl",
        "a @ https://x/a-1-py3-none-any.whl",
        "a @ git+https://x/a@v1",
        "git+https://x/a#egg=a",
    ] {
        assert_eq!(pip(line).unwrap().packages, [line]);
    }
    assert_eq!(pip("-e git+https://x/a#egg=a").unwrap().packages, ["git+https://x/a#egg=a"]);
    assert_eq!(pip("numpy  # why").unwrap().packages, ["numpy"]);
    assert!(pip("# why").unwrap().packages.is_empty());
    assert!(pip("--no-cache-dir").unwrap().notes.iter().any(|note| note.contains("no difference")));
}

#[test]
fn files_beside_the_definition_are_missing_in_azure_too() {
    for line in [
        "-r other.txt",
        "-c limits.txt",
        "-e .",
        "./local",
        "a @ file:///etc/passwd",
        "/etc/passwd",
        "--find-links ./wheels",
    ] {
        assert!(matches!(pip(line), Err(Refused::Mistake(why)) if why.contains("no such file")), "{line}");
    }
}

#[test]
fn what_only_the_simulator_does_not_do_is_told_as_its_limit() {
    for line in ["a @ git+ssh://git@x/a", "--require-hashes", "--index-url https://u:${TOKEN}@x", "-r https://x/r.txt"]
    {
        let refused = pip(line).unwrap_err();
        assert!(matches!(refused, Refused::Limit(_)), "{line}: {refused}");
        assert!(refused.to_string().starts_with("a limit of this simulator"), "{refused}");
    }
    let dockerfile = requirements(&json!({"docker": {"baseDockerfile": "FROM x"}}));
    assert!(matches!(dockerfile, Err(Refused::Limit(_))));
    let hidden = pip("a @ git+ssh://user:secret@x/a").unwrap_err().to_string();
    assert!(!hidden.contains("secret"), "{hidden}");
}

#[test]
fn an_inference_stack_that_is_asked_for_is_added() {
    let found = requirements(&json!({"inferencingStackVersion": "latest"})).unwrap();
    assert_eq!(found.packages, ["azureml-inference-server-http"]);
}
