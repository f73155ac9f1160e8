"""`azureml.core.Model`: register, find, change, download, delete."""

from pathlib import Path

from azureml.core import Model
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import UserErrorException, WebserviceException

import sdk_bed
import simulator
from checks import Area, Checks

AREA = Area("Models")


@AREA.quick_step
def a_file_is_registered(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    path = sdk_bed.file("model.pkl", "weights")
    one = Model.register(
        ws,
        model_path=path,
        model_name="mymodel",
        tags={"area": "test"},
        properties={"made-by": "me"},
        description="A model",
        model_framework=Model.Framework.SCIKITLEARN,
        model_framework_version="1.3.2",
        resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5),
    )
    checks.equal("the first version has id name:1", one.id, "mymodel:1")
    checks.equal("tags are kept", one.tags, {"area": "test"})
    checks.equal("properties are kept", one.properties, {"made-by": "me"})
    checks.equal("the description is kept", one.description, "A model")
    checks.equal("framework and version", (one.model_framework, one.model_framework_version), ("ScikitLearn", "1.3.2"))
    checks.equal("resources", one.resource_configuration.serialize(), {"cpu": 1, "memoryInGB": 0.5, "gpu": None})
    checks.that("it has a time", one.created_time is not None)
    checks.contains("it says who made it", one.created_by, "userObjectId")
    again = Model.register(ws, model_path=path, model_name="mymodel")
    checks.equal("the same file makes version 2", again.version, 2)
    checks.equal("no framework means Custom", again.model_framework, "Custom")


@AREA.quick_step
def a_model_is_found(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    sdk_bed.register("found", tags={"stage": "old", "both": "1"}, properties={"hash": "aa"})
    sdk_bed.register("found", tags={"stage": "new", "both": "1"}, properties={"hash": "bb"})
    checks.equal("by name: the newest", Model(ws, "found").version, 2)
    checks.equal("by name and version", Model(ws, "found", version=1).tags["stage"], "old")
    checks.equal("by id", Model(ws, id="found:1").version, 1)
    checks.equal("by a tag's name: the newest", Model(ws, "found", tags=["both"]).version, 2)
    checks.equal("by a tag's value", Model(ws, "found", tags=[["stage", "old"]]).version, 1)
    checks.equal("by a property's value", Model(ws, "found", properties=[["hash", "aa"]]).version, 1)
    checks.raises("a name that is not there", WebserviceException, "ModelNotFound", lambda: Model(ws, "nothing"))
    checks.raises(
        "a version that is not there", WebserviceException, "ModelNotFound", lambda: Model(ws, "found", version=9)
    )
    checks.raises("an id that is not there", WebserviceException, "ModelNotFound", lambda: Model(ws, id="nothing:1"))
    checks.raises(
        "a tag that none has", WebserviceException, "ModelNotFound", lambda: Model(ws, "found", tags=["absent"])
    )


@AREA.step
def models_are_listed(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    for number in range(3):
        sdk_bed.register("listed", str(number), tags={"n": str(number)}, properties={"kind": "listed"})
    sdk_bed.register("listed-onnx", tags={"n": "0"}, model_framework=Model.Framework.ONNX)

    def ids(**filters: object) -> list[str]:
        return [found.id for found in Model.list(ws, **filters)]

    newest_first = ["listed:3", "listed:2", "listed:1"]
    checks.equal("by name, newest first", ids(name="listed"), newest_first)
    checks.equal("by a tag's value", ids(tags=[["n", "0"]]), ["listed-onnx:1", "listed:1"])
    checks.equal("by tag and name", ids(name="listed", tags=["n", ["n", "1"]]), ["listed:2"])
    checks.equal("by property", ids(properties=["kind"]), newest_first)
    checks.equal("by framework", ids(model_framework="Onnx"), ["listed-onnx:1"])
    checks.equal("only the latest versions", ids(latest=True, properties=["kind"]), ["listed:3"])
    checks.equal("nothing fits", ids(name="nothing"), [])
    checks.equal("by a run that is not there", ids(run_id="nothing"), [])
    everything = ids()
    simulator.page_size(2)
    checks.equal("the same over pages of two", ids(), everything)
    checks.equal("without expanding", [found.id for found in Model.list(ws, expand=False)], everything)
    simulator.page_size(100)
    checks.raises("a page count below 20", UserErrorException, "page_count", lambda: Model.list(ws, page_count=1))
    checks.raises("tags that are no list", UserErrorException, "list type", lambda: Model.list(ws, tags={"n": "0"}))


@AREA.step
def a_model_is_changed(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    model = sdk_bed.register("changed", tags={"a": "1", "b": "2"}, properties={"fixed": "1"}, description="old")
    model.add_tags({"b": "3", "c": "4"})
    checks.equal("add_tags adds and replaces", Model(ws, "changed").tags, {"a": "1", "b": "3", "c": "4"})
    model.remove_tags(["a"])
    checks.equal("remove_tags removes", Model(ws, "changed").tags, {"b": "3", "c": "4"})
    model.add_properties({"more": "2"})
    checks.equal("add_properties adds", Model(ws, "changed").properties, {"fixed": "1", "more": "2"})
    checks.raises(
        "a property does not change", WebserviceException, "fixed", lambda: model.add_properties({"fixed": "2"})
    )
    model.update_tags_properties(add_tags={"d": "5"}, remove_tags=["b"], add_properties={"third": "3"})
    changed = Model(ws, "changed")
    checks.equal("both at once: tags", changed.tags, {"c": "4", "d": "5"})
    checks.contains("both at once: properties", changed.properties, "third")
    model.update(tags={"only": "1"}, description="new", resource_configuration=ResourceConfiguration(cpu=2))
    changed = Model(ws, "changed")
    checks.equal("update replaces the tags", changed.tags, {"only": "1"})
    checks.equal("update changes the description", changed.description, "new")
    checks.equal("update changes the resources", changed.resource_configuration.cpu, 2)
    model.delete()
    checks.raises(
        "a change of what is gone", WebserviceException, "ModelNotFound", lambda: model.update(description="later")
    )


@AREA.quick_step
def a_model_is_downloaded(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    model = sdk_bed.register("download", "the very bytes")
    path = model.download("one")
    checks.equal("the file has its name", Path(path).name, "download.txt")
    checks.equal("and its content", Path(path).read_text(), "the very bytes")
    checks.raises("a second download refuses", WebserviceException, "already exists", lambda: model.download("one"))
    checks.equal("exist_ok overwrites", model.download("one", exist_ok=True), path)
    urls = model.get_sas_urls()
    checks.contains("get_sas_urls names the file", urls, "download.txt")
    path = Model.get_model_path("download", version=1, _workspace=ws)
    checks.equal("get_model_path fetches it", Path(path).read_text(), "the very bytes")
    checks.raises(
        "get_model_path of nothing", Exception, "not found", lambda: Model.get_model_path("none", 1, _workspace=ws)
    )


@AREA.step
def a_directory_is_registered(checks: Checks) -> None:
    sdk_bed.file("folder/weights.bin", "w" * 100_000)
    sdk_bed.file("folder/deep/er/labels.txt", "labels")
    model = Model.register(sdk_bed.workspace(), model_path="folder", model_name="folder")
    path = Path(model.download("folder-again"))
    files = sorted(str(found.relative_to(path)) for found in path.rglob("*") if found.is_file())
    checks.equal("all files come back", files, ["deep/er/labels.txt", "weights.bin"])
    checks.equal("with their content", (path / "weights.bin").read_text(), "w" * 100_000)
    sdk_bed.file("many/0", "0")
    for number in range(60):
        sdk_bed.file(f"many/{number}", str(number))
    simulator.page_size(25)
    many = Path(Model.register(sdk_bed.workspace(), model_path="many", model_name="many").download("many-again"))
    simulator.page_size(100)
    checks.equal("60 files over pages of 25", len([found for found in many.rglob("*") if found.is_file()]), 60)


@AREA.step
def a_large_file_is_uploaded_in_blocks(checks: Checks) -> None:
    content = bytes(range(256)) * (70 * 4096)
    Path("large.bin").write_bytes(content)
    before = len(simulator.requests_since(0))
    model = Model.register(sdk_bed.workspace(), model_path="large.bin", model_name="large")
    puts = [entry for entry in simulator.requests_since(before) if entry["verb"] == "PUT"]
    checks.that("70 MiB come in more than one block", len(puts) > 10, len(puts))
    checks.that("and are the same afterwards", Path(model.download("large")).read_bytes() == content)


@AREA.quick_step
def a_model_is_deleted(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    model = sdk_bed.register("deleted")
    model.delete()
    checks.raises("it is gone", WebserviceException, "ModelNotFound", lambda: Model(ws, "deleted"))
    checks.equal("deleting it again is no error", model.delete(), None)
    checks.equal("its number is not used again", sdk_bed.register("deleted").version, 2)


@AREA.step
def a_model_is_serialized(checks: Checks) -> None:
    model = sdk_bed.register("serialized", tags={"a": "1"})
    payload = model.serialize()
    checks.equal("serialize shows the id", payload["id"], "serialized:1")
    checks.equal("serialize shows tags", payload["tags"], {"a": "1"})


@AREA.step
def what_is_wrong_is_refused(checks: Checks) -> None:
    ws = sdk_bed.workspace()
    checks.raises(
        "a name with a blank",
        WebserviceException,
        "name",
        lambda: Model.register(ws, model_path=sdk_bed.file("m.txt", "m"), model_name="my model"),
    )
    checks.raises(
        "a file that is not there",
        FileNotFoundError,
        "does not exist",
        lambda: Model.register(ws, model_path="absent.pkl", model_name="absent"),
    )
    checks.raises(
        "a framework version without a framework",
        WebserviceException,
        "framework",
        lambda: sdk_bed.register("framework", model_framework_version="1"),
    )
