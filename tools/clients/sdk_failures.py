"""What goes wrong in Azure, as the SDK tells it, and what it tries again."""

from azureml.core import Model
from azureml.core.webservice import AciWebservice, Webservice
from azureml.exceptions import WebserviceException

import sdk_bed
import simulator
from checks import Area, Checks

AREA = Area("Failures")


@AREA.quick_step
def an_init_that_crashes(checks: Checks) -> None:
    simulator.script("crashing", init={"crash": True})
    service = sdk_bed.deploy("crashing", wait=False)
    checks.raises(
        "wait_for_deployment says where to look",
        WebserviceException,
        "More information can be found using '.get_logs()'",
        service.wait_for_deployment,
    )
    checks.raises("and Azure's own words", WebserviceException, "CrashLoopBackOff", service.wait_for_deployment)
    checks.equal("the service has failed", service.state, "Failed")
    checks.contains("the log has the traceback", service.get_logs(), "RuntimeError")
    checks.contains("the error is the service's too", str(service.error), "AciDeploymentFailed")
    checks.raises("it can't be asked", WebserviceException, "scoring_uri unavailable", lambda: service.run("{}"))
    simulator.script("crashing", init={})
    service = sdk_bed.deploy("crashing", overwrite=True)
    checks.equal("overwritten by a good one, it is healthy", service.state, "Healthy")


@AREA.step
def an_image_that_is_not_built(checks: Checks) -> None:
    simulator.script("unbuilt", build={"fail": True, "log": "ResolvePackageNotFound: sklearn\n"})
    environment = sdk_bed.environment("unbuilt-env")
    environment.python.conda_dependencies.add_pip_package("unbuildable==0")
    inference = sdk_bed.inference(environment=environment)
    service = Model.deploy(
        sdk_bed.workspace(), "unbuilt", [sdk_bed.model()], inference, AciWebservice.deploy_configuration(1, 1)
    )
    checks.raises(
        "wait_for_deployment links the build log",
        WebserviceException,
        "More information can be found here: https://",
        lambda: service.wait_for_deployment(show_output=True),
    )
    checks.raises("and names the stage", WebserviceException, "EnvironmentBuildFailed", service.wait_for_deployment)
    checks.equal("the service has failed", sdk_bed.fresh(service).state, "Failed")


@AREA.step
def a_region_without_cores(checks: Checks) -> None:
    simulator.script("coreless", quota=True)
    service = sdk_bed.deploy("coreless", wait=False)
    checks.raises("the quota is named", WebserviceException, "StandardCores", service.wait_for_deployment)


@AREA.step
def an_operation_that_fails_by_itself(checks: Checks) -> None:
    simulator.fault(method="POST", path="/services$", operation="Failed", code="InternalError", message="A bad day.")
    service = sdk_bed.deploy("unlucky", wait=False)
    checks.raises("its message comes through", WebserviceException, "A bad day.", service.wait_for_deployment)
    simulator.fault(method="POST", path="/services$", operation="Canceled", message="Stopped.")
    service = sdk_bed.deploy("canceled", wait=False)
    checks.raises("one that is canceled", WebserviceException, "Stopped.", service.wait_for_deployment)
    keyed = sdk_bed.deploy("keyed-unlucky", auth_enabled=True)
    keys = keyed.get_keys()
    simulator.fault(method="POST", path="/regenerateKeys$", operation="Failed", message="No keys today.")
    checks.raises("a key that is not made", WebserviceException, "No keys today.", lambda: keyed.regen_key("Primary"))
    checks.equal("the keys stay", keyed.get_keys(), keys)


@AREA.step
def patience_that_ends(checks: Checks) -> None:
    simulator.admin("PATCH", "settings", {"seconds": {"DeployService": 2000}})
    service = sdk_bed.deploy("slow", wait=False)
    checks.raises(
        "wait_for_deployment gives up when told to",
        WebserviceException,
        "exceeded timeout override",
        lambda: service.wait_for_deployment(timeout_sec=1),
    )
    simulator.admin("PATCH", "settings", {"seconds": {"DeployService": 60}})
    checks.raises("meanwhile it can't be deleted", WebserviceException, "409", service.delete)


@AREA.step
def what_is_tried_again(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    sdk_bed.deploy("retried", wait=False)

    def strikes(name: str, call: object, **fault: object) -> None:
        simulator.fault(**fault)
        try:
            checks.that(name, call())
            checks.equal(f"{name}: the fault was met", simulator.waiting_faults(), [])
        finally:
            simulator.clear_faults()

    strikes("a list after 502", lambda: Webservice.list(ws), method="GET", path="/services$", status=502)
    strikes(
        "a service after 504", lambda: Webservice(ws, "retried"), method="GET", path="/services/retried$", status=504
    )
    strikes(
        "a service after 500", lambda: Webservice(ws, "retried"), method="GET", path="/services/retried$", status=500
    )
    strikes("a broken line", lambda: Webservice(ws, "retried"), method="GET", path="/services/retried$", drop=True)
    strikes("a model after 500", lambda: Model(ws, "common"), method="GET", path="/models$", status=500)
    strikes(
        "an upload after 503",
        lambda: sdk_bed.register("retried-upload"),
        method="PUT",
        path="blob|LocalUpload",
        status=503,
    )


@AREA.step
def what_is_not_tried_again(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    refusal = {"code": "Forbidden", "statusCode": 403, "message": "Not you."}
    simulator.fault(method="GET", path="/services$", status=403, body=refusal)
    checks.raises("403 comes through at once", WebserviceException, "Not you.", lambda: Webservice.list(ws))
    checks.equal("and is asked once", simulator.waiting_faults(), [])
    refusal = {"code": "Conflict", "statusCode": 409, "message": "Busy."}
    simulator.fault(method="POST", path="/services$", status=409, body=refusal)
    checks.raises("409 of a deployment", WebserviceException, "Busy.", lambda: sdk_bed.deploy("refused-busy"))
    simulator.clear_faults()
