"""Deployments as people write them with azureml-core. `configurations.yaml` has each under the same name as a custom resource.

Every function is one configuration; it runs in a copy of the example's files and `files/`, in a workspace of its own.
"""

from azureml.core import Environment, Model, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice


def register(ws: Workspace, **arguments: object) -> Model:
    return Model.register(ws, **{"model_path": "model.pkl", "model_name": "mymodel", **arguments})


def conda(path: str = "myenv.yml") -> Environment:
    return Environment.from_conda_specification(name="myenv", file_path=path)


def deploy(
    ws: Workspace,
    *,
    model: Model | None = None,
    environment: Environment | None = None,
    inference: InferenceConfig | None = None,
    **arguments: object,
) -> None:
    """The how-to's deployment, but for what is said otherwise."""
    how_to = {"cpu_cores": 1, "memory_gb": 1, "location": "japaneast"}
    network = {"vnet_name": "amlvnet1", "subnet_name": "amlsubnet1"}
    model = model or register(ws)
    inference = inference or InferenceConfig(entry_script="score.py", environment=environment or conda())
    configuration = AciWebservice.deploy_configuration(**{**how_to, **network, **arguments})
    Model.deploy(ws, "aciservice", [model], inference, configuration)


def article(ws: Workspace) -> None:
    deploy(ws)


def cores_and_memory(ws: Workspace) -> None:
    deploy(ws, cpu_cores=0.5, memory_gb=1.5)


def tags_and_description(ws: Workspace) -> None:
    deploy(ws, tags={"team": "churn", "stage": "test"}, description="Churn model, nightly retrain")


def properties(ws: Workspace) -> None:
    deploy(ws, properties={"team": "churn", "cost-centre": "4711"})


def keys_of_azure(ws: Workspace) -> None:
    deploy(ws, auth_enabled=True)


def own_keys(ws: Workspace) -> None:
    deploy(ws, auth_enabled=True, primary_key="primary-canary-key", secondary_key="secondary-canary-key")


def no_keys(ws: Workspace) -> None:
    deploy(ws, auth_enabled=False)


def tls(ws: Workspace) -> None:
    deploy(
        ws,
        ssl_enabled=True,
        ssl_cert_pem_file="tls.crt",
        ssl_key_pem_file="tls.key",
        ssl_cname="churn.ml.corp",
    )


def keys_and_tls(ws: Workspace) -> None:
    deploy(
        ws,
        auth_enabled=True,
        primary_key="primary-canary-key",
        secondary_key="secondary-canary-key",
        ssl_enabled=True,
        ssl_cert_pem_file="tls.crt",
        ssl_key_pem_file="tls.key",
        ssl_cname="churn.ml.corp",
    )


def application_insights(ws: Workspace) -> None:
    deploy(ws, enable_app_insights=True)


def data_collection(ws: Workspace) -> None:
    deploy(ws, collect_model_data=True)


def customer_managed_key(ws: Workspace) -> None:
    deploy(
        ws,
        cmk_vault_base_url="https://kv.vault.azure.net",
        cmk_key_name="aci",
        cmk_key_version="0123456789abcdef0123456789abcdef",
    )


def public_name(ws: Workspace) -> None:
    deploy(ws, dns_name_label="churn")


def model_facts(ws: Workspace) -> None:
    model = register(
        ws,
        tags={"stage": "test"},
        properties={"trained-on": "2026-11-19"},
        description="trained last night",
        model_framework=Model.Framework.SCIKITLEARN,
        model_framework_version="1.5.2",
    )
    deploy(ws, model=model)


def model_of_a_framework_alone(ws: Workspace) -> None:
    deploy(ws, model=register(ws, model_framework=Model.Framework.ONNX))


def model_directory(ws: Workspace) -> None:
    deploy(ws, model=register(ws, model_path="mymodel"))


def registered_model(ws: Workspace) -> None:
    deploy(ws, model=Model(ws, name="registered-before", version=1))


def extra_files(ws: Workspace) -> None:
    inference = InferenceConfig(entry_script="score.py", source_directory="source", environment=conda())
    deploy(ws, inference=inference)


def without_python(ws: Workspace) -> None:
    deploy(ws, environment=conda("without-python.yml"))


def conda_packages(ws: Workspace) -> None:
    deploy(ws, environment=conda("channels.yml"))


def pip_only(ws: Workspace) -> None:
    environment = Environment(name="myenv")
    environment.python.conda_dependencies = CondaDependencies("pip-only.yml")
    deploy(ws, environment=environment)


def base_image(ws: Workspace) -> None:
    environment = conda()
    environment.docker.base_image = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20250101.v1"
    deploy(ws, environment=environment)


def inferencing_stack(ws: Workspace) -> None:
    environment = conda()
    environment.inferencing_stack_version = "latest"
    deploy(ws, environment=environment)


def environment_variables(ws: Workspace) -> None:
    environment = conda()
    environment.environment_variables["LOG_LEVEL"] = "info"
    environment.environment_variables["MODEL_THRESHOLD"] = "0.5"
    deploy(ws, environment=environment)


CONFIGURATIONS = [
    article,
    cores_and_memory,
    tags_and_description,
    properties,
    keys_of_azure,
    own_keys,
    no_keys,
    tls,
    keys_and_tls,
    application_insights,
    data_collection,
    customer_managed_key,
    public_name,
    model_facts,
    model_of_a_framework_alone,
    model_directory,
    registered_model,
    extra_files,
    without_python,
    conda_packages,
    pip_only,
    base_image,
    inferencing_stack,
    environment_variables,
]
