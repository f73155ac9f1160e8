"""`AciWebservice.update`, argument by argument, tags and properties, and keys."""

from azureml.exceptions import WebserviceException

import sdk_bed
import simulator
from checks import Area, Checks
from sdk_arguments import certificate

AREA = Area("Updates")


def operation_of(name: str) -> str:
    services = simulator.admin("GET", "dump")["services"]
    return next(service["operationId"] for service in services if service["name"] == name)


@AREA.quick_step
def tags_and_properties(checks: Checks) -> None:
    service = sdk_bed.deploy("tagged", tags={"a": "1", "b": "2"}, properties={"fixed": "1"}, description="old")
    operation = operation_of("tagged")
    service.add_tags({"b": "3", "c": "4"})
    checks.equal("add_tags adds and replaces", sdk_bed.fresh(service).tags, {"a": "1", "b": "3", "c": "4"})
    service.remove_tags(["a"])
    checks.equal("remove_tags removes", sdk_bed.fresh(service).tags, {"b": "3", "c": "4"})
    service.add_properties({"more": "2"})
    checks.contains("add_properties adds", sdk_bed.fresh(service).properties, "fixed", "more")
    checks.raises(
        "a property does not change", WebserviceException, "fixed", lambda: service.add_properties({"fixed": "9"})
    )
    service.update(tags={"only": "1"}, description="new", properties={"third": "3"})
    fresh = sdk_bed.fresh(service)
    checks.equal("update replaces tags", fresh.tags, {"only": "1"})
    checks.equal("update changes the description", fresh.description, "new")
    checks.contains("update adds properties", fresh.properties, "fixed", "more", "third")
    checks.equal("none of it makes a new deployment", fresh.state, "Healthy")
    checks.equal("nor an operation", operation_of("tagged"), operation)


@AREA.step
def what_the_container_knows(checks: Checks) -> None:
    service = sdk_bed.deploy("rolled", auth_enabled=False)
    service.update(auth_enabled=True)
    checks.equal("auth_enabled makes a new deployment", service.state, "Transitioning")
    checks.raises(
        "a second update meanwhile", WebserviceException, "409", lambda: service.update(enable_app_insights=True)
    )
    service.wait_for_deployment(show_output=True)
    checks.equal("auth_enabled", sdk_bed.fresh(service).auth_enabled, True)
    service.update(enable_app_insights=True)
    checks.equal("enable_app_insights", sdk_bed.settled(service).enable_app_insights, True)
    tls = certificate("updated.example.com")
    service.update(ssl_enabled=True, **tls)
    sdk_bed.settled(service)
    checks.equal("ssl_enabled", service.ssl_enabled, True)
    checks.equal("ssl_cert_pem_file", service.ssl_certificate, open(tls["ssl_cert_pem_file"]).read())
    checks.equal("ssl_cname", service.cname, "updated.example.com")
    tls = certificate("renewed.example.com")
    service.update(ssl_cert_pem_file=tls["ssl_cert_pem_file"], ssl_key_pem_file=tls["ssl_key_pem_file"])
    sdk_bed.settled(service)
    checks.equal("a renewed certificate", service.ssl_certificate, open(tls["ssl_cert_pem_file"]).read())
    service.update(ssl_enabled=False)
    checks.equal("ssl_enabled=False", sdk_bed.settled(service).ssl_enabled, False)


@AREA.step
def another_model_and_script(checks: Checks) -> None:
    service = sdk_bed.deploy("remodelled")
    uri = service.scoring_uri
    newer = sdk_bed.register("newer")
    environment = sdk_bed.environment("newer-env")
    service.update(models=[newer], inference_config=sdk_bed.inference(environment=environment))
    sdk_bed.settled(service)
    checks.equal("models", [model.id for model in service.models], ["newer:1"])
    checks.equal("inference_config", service.environment.name, "newer-env")
    checks.equal("the address stays", service.scoring_uri, uri)
    checks.equal("it is healthy again", service.state, "Healthy")


@AREA.step
def what_an_update_refuses(checks: Checks) -> None:
    service = sdk_bed.deploy("stubborn")
    checks.raises("nothing to update", WebserviceException, "No parameters", service.update)
    checks.raises(
        "models without a script",
        WebserviceException,
        "inputs must be provided",
        lambda: service.update(models=[sdk_bed.model()]),
    )
    checks.raises(
        "a certificate without TLS",
        WebserviceException,
        "SSL must be enabled",
        lambda: service.update(ssl_cert_pem_file=sdk_bed.file("some.pem", "x")),
    )
    service.delete()
    checks.raises("a service that is gone", WebserviceException, "404", lambda: service.update(tags={"a": "1"}))


@AREA.step
def keys(checks: Checks) -> None:
    service = sdk_bed.deploy("keyed", auth_enabled=True)
    first, second = service.get_keys()
    checks.that("two keys are made", first and second and first != second)
    service.regen_key("Primary")
    new_first, same_second = service.get_keys()
    checks.that("regen_key makes a new one", new_first != first)
    checks.equal("and leaves the other", same_second, second)
    service.regen_key("secondary", set_key="my-own-key")
    checks.equal("regen_key sets one", service.get_keys(), (new_first, "my-own-key"))
    checks.raises("there is no third", WebserviceException, "Valid options", lambda: service.regen_key("Third"))
    checks.raises("and not none", WebserviceException, "must specify", lambda: service.regen_key(None))
