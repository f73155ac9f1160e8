"""`azureml.core.Environment`: made in every way, registered, read, listed, labelled, built."""

import json

from azureml.core import ContainerRegistry, Environment
from azureml.core.conda_dependencies import CondaDependencies

import sdk_bed
from checks import Area, Checks

AREA = Area("Environments")


@AREA.quick_step
def one_is_registered_and_read(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    wanted = sdk_bed.environment("reg-env")
    wanted.environment_variables = {"LEVEL": "debug"}
    one = wanted.register(ws)
    checks.equal("its first version is 1", one.version, "1")
    checks.equal("registered again, it is the same version", wanted.register(ws).version, "1")
    wanted.environment_variables = {"LEVEL": "info"}
    checks.equal("changed, it is version 2", wanted.register(ws).version, "2")
    checks.equal("get gives the newest", Environment.get(ws, "reg-env").environment_variables, {"LEVEL": "info"})
    checks.equal(
        "get gives a version", Environment.get(ws, "reg-env", version="1").environment_variables["LEVEL"], "debug"
    )
    checks.contains("list has it", Environment.list(ws), "reg-env")
    conda = one.python.conda_dependencies
    checks.contains("its packages come back", list(conda.pip_packages), "azureml-defaults")
    checks.raises("one that is not there", Exception, "Code: 404", lambda: Environment.get(ws, "absent"))
    checks.raises(
        "a version that is not there", Exception, "Code: 404", lambda: Environment.get(ws, "reg-env", version="9")
    )
    reserved = wanted.clone("AzureML-mine")
    checks.raises("a reserved name", Exception, "Code: 400", lambda: reserved.register(ws))


@AREA.step
def an_explicit_version_stands(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    wanted = sdk_bed.environment("versioned")
    wanted.version = "blue"
    checks.equal("a version may be a word", wanted.register(ws).version, "blue")
    checks.equal("equal content is no change", wanted.register(ws).version, "blue")
    wanted.environment_variables = {"OTHER": "1"}
    checks.raises("other content is a conflict", Exception, "Code: 409", lambda: wanted.register(ws))


@AREA.step
def every_way_to_make_one_registers(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    requirements = sdk_bed.file("requirements.txt", "numpy==1.26.4\nazureml-defaults\n")
    pip = Environment.from_pip_requirements("from-pip", requirements, pip_version="24.0").register(ws)
    checks.contains("from_pip_requirements", list(pip.python.conda_dependencies.pip_packages), "numpy==1.26.4")
    checks.contains("with a version of pip", list(pip.python.conda_dependencies.conda_packages), "pip=24.0")
    registry = ContainerRegistry()
    registry.address = "registry.example.com"
    image = Environment.from_docker_image("from-image", "registry.example.com/base:1", container_registry=registry)
    image = image.register(ws)
    checks.equal("from_docker_image", image.docker.base_image, "registry.example.com/base:1")
    checks.equal("with its registry", image.docker.base_image_registry.address, "registry.example.com")
    dockerfile = Environment.from_dockerfile("from-dockerfile", "FROM ubuntu:24.04\n").register(ws)
    checks.equal("from_dockerfile", dockerfile.docker.base_dockerfile, "FROM ubuntu:24.04\n")
    by_hand = Environment("by-hand")
    by_hand.inferencing_stack_version = "latest"
    by_hand.python.conda_dependencies = CondaDependencies.create(
        conda_packages=["scikit-learn=1.3.2"], pip_packages=["joblib"], python_version="3.11"
    )
    by_hand = by_hand.register(ws)
    checks.contains("by hand", list(by_hand.python.conda_dependencies.conda_packages), "scikit-learn=1.3.2")
    checks.equal("with an inferencing stack", by_hand.inferencing_stack_version, "latest")
    managed = Environment("user-managed")
    managed.python.user_managed_dependencies = True
    managed.python.interpreter_path = "/opt/python"
    checks.equal("user managed", managed.register(ws).python.interpreter_path, "/opt/python")


@AREA.step
def one_is_cloned_and_saved(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    original = sdk_bed.environment("original").register(ws)
    clone = original.clone("clone")
    checks.equal("a clone has no version of its own", clone.version, None)
    checks.equal("until it is registered", clone.register(ws).version, "1")
    original.save_to_directory("saved")
    loaded = Environment.load_from_directory("saved")
    checks.equal("saved and loaded, it has its name", loaded.name, "original")
    packages = list(loaded.python.conda_dependencies.pip_packages)
    checks.contains("and its packages", packages, "azureml-defaults")
    checks.that("and is JSON", json.loads(open("saved/azureml_environment.json").read()))


@AREA.step
def one_is_labelled(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    wanted = sdk_bed.environment("labelled")
    wanted.register(ws)
    Environment.label(ws, "labelled", "1", ["stable"])
    wanted.environment_variables = {"NEW": "1"}
    wanted.register(ws)
    checks.equal("get by label", Environment.get(ws, "labelled", label="stable").version, "1")
    Environment.label(ws, "labelled", "2", ["stable", "newest"])
    checks.equal("a label moves", Environment.get(ws, "labelled", label="stable").version, "2")
    checks.raises(
        "a label that is not there", Exception, "Code: 404", lambda: Environment.get(ws, "labelled", label="none")
    )
    checks.raises(
        "a label for a version that is not there",
        Exception,
        "Code: 404",
        lambda: Environment.label(ws, "labelled", "9", ["x"]),
    )


@AREA.step
def one_is_built(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    wanted = sdk_bed.environment("built")
    wanted.environment_variables = {"BUILT": "1"}
    registered = wanted.register(ws)
    checks.that("before, there is no image", not registered.get_image_details(ws).image_exist)
    build = wanted.build(ws)
    build.wait_for_completion(show_output=True)
    checks.equal("it succeeds", build.status, "Succeeded")
    checks.contains("its log can be read", build.get_log(), "image")
    details = Environment.get(ws, "built").get_image_details(ws)
    checks.that("then there is an image", details.image_exist)
    checks.contains("which has a name", details.repository or "", "azureml/azureml_")
    absent = wanted.clone("never-registered")
    absent.version = "1"
    checks.raises("details of what is not there", Exception, "Code: 404", lambda: absent.get_image_details(ws))
