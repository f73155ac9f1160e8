"""`Model.deploy` to Azure Container Instances, and the services that stand then."""

import contextlib
import io

import requests
from azureml.core import Environment, Model
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice, Webservice
from azureml.exceptions import WebserviceException

import sdk_bed
import simulator
from checks import Area, Checks

AREA = Area("Deployments")


@AREA.quick_step
def the_how_to_deploys(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    simulator.delegated_subnet()
    configuration = AciWebservice.deploy_configuration(
        cpu_cores=1, memory_gb=1, location="japaneast", vnet_name="amlvnet1", subnet_name="amlsubnet1"
    )
    service = Model.deploy(ws, "aciservice", [sdk_bed.model()], sdk_bed.inference(), configuration, show_output=True)
    checks.equal("right after the request it is in transition", service.state, "Transitioning")
    service.wait_for_deployment(show_output=True)
    checks.equal("then it is healthy", service.state, "Healthy")
    checks.equal("at a private address", service.scoring_uri, "http://10.0.1.4/score")
    checks.equal("without a public one", service.public_ip, None)
    checks.equal("its swagger is beside it", service.swagger_uri, "http://10.0.1.4/swagger.json")
    checks.equal(
        "what it says about its network",
        service.vnet_configuration.serialize(),
        {"vnetName": "amlvnet1", "subnetName": "amlsubnet1"},
    )
    checks.equal("what it says about its models", [model.id for model in service.models], ["common:1"])
    checks.equal("what it says about its environment", service.environment.name, "common")
    checks.equal("compute type", service.compute_type, "ACI")
    checks.equal("keys are off", service.auth_enabled, False)
    checks.equal("TLS is off", service.ssl_enabled, False)
    checks.contains("get_logs", service.get_logs(), "init")
    checks.equal("get_logs cuts", len(service.get_logs(num_lines=1).splitlines()), 1)
    checks.raises("there is no token", NotImplementedError, "Token", service.get_token)


@AREA.quick_step
def one_is_found_and_listed(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    sdk_bed.deploy("listed-one", tags={"n": "1", "both": "x"}, properties={"p": "1"}, wait=False)
    sdk_bed.deploy("listed-two", tags={"n": "2", "both": "x"}, properties={"p": "2"}, wait=False)
    found = Webservice(ws, "listed-one")
    checks.that("by name, it has the class of its kind", isinstance(found, AciWebservice), type(found))
    checks.that("by its own class too", isinstance(AciWebservice(ws, "listed-one"), AciWebservice))
    checks.raises(
        "a name that is not there", WebserviceException, "WebserviceNotFound", lambda: Webservice(ws, "nothing")
    )

    def names(**filters: object) -> set[str]:
        return {service.name for service in Webservice.list(ws, **filters)} & {"listed-one", "listed-two"}

    both = {"listed-one", "listed-two"}
    checks.equal("list has both", names(), both)
    checks.equal("by compute type", names(compute_type="ACI"), both)
    checks.equal("by another compute type", names(compute_type="AKS"), set())
    checks.equal("by model name", names(model_name="common"), both)
    checks.equal("by model id", names(model_id="common:1"), both)
    checks.equal("by another model", names(model_id="common:9"), set())
    checks.equal("by a tag's name", names(tags=["both"]), both)
    checks.equal("by a tag's value", names(tags=[["n", "2"]]), {"listed-two"})
    checks.equal("by a property's value", names(properties=[["p", "1"]]), {"listed-one"})
    checks.equal("by an image, which ACI has none of", names(image_name="none"), set())
    simulator.page_size(1)
    checks.equal("over pages of one", names(), both)
    simulator.page_size(100)
    checks.raises(
        "an unknown compute type", WebserviceException, "Invalid compute type", lambda: names(compute_type="MOON")
    )
    checks.contains("the workspace lists them too", ws.webservices, "listed-one", "listed-two")


@AREA.quick_step
def a_name_is_taken_until_it_is_overwritten(checks: Checks) -> None:
    first = sdk_bed.deploy("taken", tags={"n": "1"}, auth_enabled=True)
    keys, uri = first.get_keys(), first.scoring_uri
    checks.raises("a second deploy", WebserviceException, "already exists", lambda: sdk_bed.deploy("taken"))
    exists = lambda name: Webservice.check_for_existing_webservice(sdk_bed.workspace(), name)
    checks.raises("a look at the name beforehand", WebserviceException, "already exists", lambda: exists("taken"))
    checks.equal("and at one that is free", exists("free"), None)
    second = sdk_bed.deploy("taken", overwrite=True, tags={"n": "2"}, auth_enabled=True)
    checks.equal("with overwrite it is another", sdk_bed.fresh(second).tags, {"n": "2"})
    checks.equal("which is healthy", second.state, "Healthy")
    checks.equal("at the same address", second.scoring_uri, uri)
    checks.equal("with the same keys", second.get_keys(), keys)


@AREA.quick_step
def one_is_deleted(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    model = sdk_bed.register("used")
    service = Model.deploy(ws, "deleted", [model], sdk_bed.inference(), AciWebservice.deploy_configuration(1, 1))
    sdk_bed.settled(service)
    checks.raises("its model can't be deleted", WebserviceException, "Response Code: 412", model.delete)
    service.delete()
    checks.equal("delete says so", service.state, "Deleting")
    gone = lambda: not [found for found in Webservice.list(ws) if found.name == "deleted"]
    simulator.wait_until("the service to go", gone)
    checks.raises("then it is gone", WebserviceException, "WebserviceNotFound", lambda: Webservice(ws, "deleted"))
    checks.equal("deleting it again is no error", service.delete(), None)
    checks.equal("and its model can go", model.delete(), None)


@AREA.step
def a_source_directory_is_deployed(checks: Checks) -> None:
    sdk_bed.file("source/main.py", sdk_bed.SCORE)
    sdk_bed.file("source/helper/__init__.py", "ANSWER = 42\n")
    inference = InferenceConfig("main.py", source_directory="source", environment=sdk_bed.environment("directory"))
    configuration = AciWebservice.deploy_configuration(cpu_cores=0.5, memory_gb=0.5)
    service = Model.deploy(sdk_bed.workspace(), "directory", [sdk_bed.model()], inference, configuration)
    checks.equal("it is healthy", sdk_bed.settled(service).state, "Healthy")
    variables = service.environment.environment_variables
    checks.equal("the entry script is in the directory", variables["AZUREML_ENTRY_SCRIPT"], "source/main.py")
    checks.equal("the directory has a name", variables["AZUREML_SOURCE_DIRECTORY"], "source")


@AREA.step
def a_configuration_is_shown_before_it_is_deployed(checks: Checks) -> None:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        configuration = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=2)
        Model.print_configuration([sdk_bed.model()], sdk_bed.inference(), configuration, None)
    checks.contains("models, script and size", shown.getvalue(), "common:1", "score.py", "CPU requirement: 1")


@AREA.step
def other_forms_are_deployed(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    small = AciWebservice.deploy_configuration(cpu_cores=0.1, memory_gb=0.5)
    registered = sdk_bed.environment("registered-env").register(ws)
    service = Model.deploy(ws, "registered-env", [], sdk_bed.inference(environment=registered), small)
    checks.equal("without a model", sdk_bed.settled(service).state, "Healthy")
    two = [sdk_bed.model(), sdk_bed.register("second")]
    service = Model.deploy(
        ws, "two-models", two, sdk_bed.inference(environment=Environment.get(ws, "registered-env")), small
    )
    checks.equal("of two models", sorted(model.name for model in sdk_bed.settled(service).models), ["common", "second"])
    onnx = sdk_bed.register("no-code", model_framework=Model.Framework.ONNX, model_framework_version="1.3")
    service = Model.deploy(ws, "no-code", [onnx], deployment_config=small)
    checks.equal("without code, of an ONNX model", sdk_bed.settled(service).state, "Healthy")
    service = Model.deploy(
        ws, "unconfigured", [sdk_bed.model()], sdk_bed.inference(), AciWebservice.deploy_configuration()
    )
    resources = sdk_bed.settled(service).container_resource_requirements
    checks.equal("without arguments it has 0.1 cores and 0.5 GB", (resources.cpu, resources.memory_in_gb), (0.1, 0.5))
    checks.equal("in the workspace's region", service.location, "japaneast")
    image = Environment.from_docker_image(
        "with-image", "mcr.microsoft.com/azureml/minimal-ubuntu22.04-py39-cpu-inference:latest"
    )
    service = Model.deploy(ws, "base-image", [sdk_bed.model()], sdk_bed.inference(environment=image), small)
    checks.contains("of a base image", sdk_bed.settled(service).environment.docker.base_image, "minimal-ubuntu22.04")


@AREA.step
def one_is_serialized_and_read_again(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    service = sdk_bed.deploy("serialized", tags={"a": "1"}, description="Serialized")
    payload = service.serialize()
    checks.equal("serialize: name and state", (payload["name"], payload["state"]), ("serialized", "Healthy"))
    checks.equal("serialize: tags", payload["tags"], {"a": "1"})
    checks.equal("serialize: resources", payload["containerResourceRequirements"]["cpu"], 1)
    answer = requests.get(
        f"https://localhost:8443/modelmanagement/v1.0{simulator.WORKSPACE}/services/serialized?expand=true",
        headers=ws._auth_object.get_authentication_header(),
        timeout=30,
    )
    again = AciWebservice.deserialize(ws, answer.json())
    checks.equal("deserialize gives the same", again.serialize(), payload)
    checks.raises(
        "deserialize refuses half a service", WebserviceException, "missing", lambda: AciWebservice.deserialize(ws, {})
    )
