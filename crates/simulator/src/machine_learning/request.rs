//! The body of a service create, read and checked: nothing is changed here.

use serde_json::{Map, Value};

use super::deployment::container_group_id;
use super::problem::Problem;
use super::state::{Attachment, Ssl};
use super::{Ctx, artifacts, environments, models};
use crate::identity::Secret;
use crate::network::addresses::Holder;
use crate::network::{self, addresses};
use crate::store;
use crate::world::World;

/// Frameworks that deploy without an environment and a script.
const NO_CODE: &[&str] = &["Onnx", "ScikitLearn", "TensorFlow", "Multi"];

/// A client's request for a service.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub name: String,
    pub description: Value,
    pub tags: Map<String, Value>,
    pub properties: Map<String, Value>,
    pub image_request: Value,
    pub cpu: f64,
    pub memory_gb: f64,
    pub location: String,
    pub auth_enabled: bool,
    pub app_insights: bool,
    pub ssl: Ssl,
    pub keys: Option<Value>,
    pub kept: Map<String, Value>,
    pub dns_label: Option<String>,
    pub network: Option<Attachment>,
    pub overwrite: bool,
}

impl Wanted {
    /// Reads a create body.
    ///
    /// # Errors
    /// `400 BadRequest` with the cause as detail, `403` when the caller may not join the subnet.
    pub fn read(world: &World, ctx: &Ctx<'_>, body: &Value) -> Result<Self, Problem> {
        let text = |member: &str| body.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
        let flag = |member: &str| body.get(member).and_then(Value::as_bool).unwrap_or(false);
        let name = text("name").unwrap_or_default();
        check_name(name)?;
        if !text("computeType").is_some_and(|kind| kind.eq_ignore_ascii_case("ACI")) {
            return Err(Problem::invalid("UnsupportedComputeType", "computeType must be ACI."));
        }
        let image_request = body.get("environmentImageRequest").filter(|request| request.is_object());
        let image_request = image_request
            .ok_or_else(|| Problem::invalid("ServiceImageMissing", "environmentImageRequest must be given."))?;
        check_image_request(world, &ctx.workspace, image_request)?;
        let (cpu, memory_gb) = resources(body.get("containerResourceRequirements"))?;
        let location = location(world, ctx, text("location"))?;
        let network = attachment(world, ctx, name, body.get("vnetConfiguration"), &location)?;
        let dns_label = text("dnsNameLabel").map(str::to_owned);
        if network.is_some() && dns_label.is_some() {
            let message = "dnsNameLabel can't be used together with vnetConfiguration.";
            return Err(Problem::invalid("DnsNameLabelNotSupported", message));
        }
        let kept = ["dataCollection", "encryptionProperties"].into_iter().filter_map(|member| {
            body.get(member).filter(|value| !value.is_null()).map(|value| (member.to_owned(), value.clone()))
        });
        Ok(Self {
            name: name.to_owned(),
            description: body.get("description").cloned().unwrap_or_default(),
            tags: strings(body.get("kvTags"), "kvTags")?,
            properties: strings(body.get("properties"), "properties")?,
            image_request: image_request.clone(),
            cpu,
            memory_gb,
            location,
            auth_enabled: flag("authEnabled"),
            app_insights: flag("appInsightsEnabled"),
            ssl: ssl(body)?,
            keys: body.get("keys").filter(|keys| !keys.is_null()).cloned(),
            kept: kept.collect(),
            dns_label,
            network,
            overwrite: flag("overwrite"),
        })
    }
}

/// `^[a-z]([-a-z0-9]*[a-z0-9])?$`, 3 to 32 characters.
pub(crate) fn check_name(name: &str) -> Result<(), Problem> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = (3..=32).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(inner)
        && !name.ends_with('-');
    if good {
        return Ok(());
    }
    let message = format!(
        "Service name {name:?} is invalid. It must be 3-32 characters long, start with a letter, end with a letter or \
         a digit, and contain only lower-case letters, digits and hyphens."
    );
    Err(Problem::invalid("InvalidServiceName", message))
}

/// Models, scripts and environment must exist.
pub(crate) fn check_image_request(world: &World, workspace: &str, request: &Value) -> Result<(), Problem> {
    let ids = request.get("modelIds").and_then(Value::as_array);
    if ids.is_some() == request.get("models").is_some_and(|models| !models.is_null()) {
        let message = "Exactly one of the ModelIds or Models must be specified for a service.";
        return Err(Problem::invalid("ServiceModelConflict", message));
    }
    let mut frameworks = Vec::new();
    for id in model_ids(request) {
        let model = models::find(world, workspace, &id)
            .ok_or_else(|| Problem::invalid("ModelNotFound", format!("Model with id {id} was not found.")))?;
        frameworks.extend(model.get("framework").and_then(Value::as_str));
    }
    let files = files(request);
    for (file, url) in &files {
        let blob = url.strip_prefix("aml://artifact/").and_then(|id| artifacts::blob_of(world, workspace, id));
        if blob.is_none_or(|blob| world.blobs.get(&blob).is_none()) {
            let message = format!("The content of asset {file} ({url}) was not found.");
            return Err(Problem::invalid("AssetContentNotFound", message));
        }
    }
    if let Some(driver) = request.get("driverProgram").and_then(Value::as_str)
        && !files.iter().any(|(file, _)| file == driver)
    {
        return Err(Problem::invalid(
            "DriverProgramNotFound",
            format!("driverProgram {driver} is not among the assets."),
        ));
    }
    if environment(world, workspace, request).is_none() && !frameworks.iter().any(|f| NO_CODE.contains(f)) {
        return Err(Problem::invalid(
            "EnvironmentMissing",
            "environment or a known environmentReference must be given.",
        ));
    }
    Ok(())
}

/// The environment definition of a request, given or referred to.
pub(crate) fn environment(world: &World, workspace: &str, request: &Value) -> Option<Value> {
    if let Some(definition) = request.get("environment").filter(|definition| definition.is_object()) {
        return Some(definition.clone());
    }
    let reference = request.get("environmentReference")?;
    let version = reference.get("version").and_then(Value::as_str);
    environments::find(world, workspace, reference.get("name")?.as_str()?, version).cloned()
}

/// `name:version` of each model of a request.
pub(crate) fn model_ids(request: &Value) -> Vec<String> {
    let ids = request.get("modelIds").and_then(Value::as_array);
    ids.into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

/// File name and URL of each asset of a request.
pub(crate) fn files(request: &Value) -> Vec<(String, String)> {
    let assets = request.get("assets").and_then(Value::as_array).into_iter().flatten();
    let pair = |asset: &Value| Some((asset.get("id")?.as_str()?.to_owned(), asset.get("url")?.as_str()?.to_owned()));
    assets.filter_map(pair).collect()
}

/// A map of strings, empty when absent.
pub(crate) fn strings(value: Option<&Value>, member: &str) -> Result<Map<String, Value>, Problem> {
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) if map.values().all(Value::is_string) => Ok(map.clone()),
        Some(_) => Err(Problem::invalid("InvalidMap", format!("{member} must be an object whose values are strings."))),
    }
}

/// Cores and gigabytes; Azure's defaults are 0.1 and 0.5.
fn resources(value: Option<&Value>) -> Result<(f64, f64), Problem> {
    let number = |member: &str, default: f64| match value.and_then(|value| value.get(member)) {
        None | Some(Value::Null) => Ok(default),
        Some(given) => given.as_f64().filter(|number| *number > 0.0).ok_or_else(|| {
            Problem::invalid("InvalidResourceRequirements", format!("{member} must be a number above 0, not {given}."))
        }),
    };
    Ok((number("cpu", 0.1)?, number("memoryInGB", 0.5)?))
}

fn location(world: &World, ctx: &Ctx<'_>, given: Option<&str>) -> Result<String, Problem> {
    let own = world.workspace(&ctx.workspace)?.location.clone().unwrap_or_default();
    Ok(given.map_or(own, |given| given.to_ascii_lowercase().replace(' ', "")))
}

fn ssl(body: &Value) -> Result<Ssl, Problem> {
    let member = |name: &str| body.get(name).cloned().unwrap_or_default();
    if !body.get("sslEnabled").and_then(Value::as_bool).unwrap_or(false) {
        return Ok(Ssl { cname: member("cname"), ..Ssl::default() });
    }
    let key = private_key(&member("sslKey"));
    let ssl = Ssl { enabled: true, certificate: member("sslCertificate"), key, cname: member("cname") };
    check_ssl(&ssl)?;
    Ok(ssl)
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

/// `sslKey`; none for null and for empty text.
pub(super) fn private_key(value: &Value) -> Option<Secret> {
    value.as_str().filter(|text| !text.is_empty()).map(Secret::new)
}

/// Checks what TLS needs.
pub(super) fn check_ssl(ssl: &Ssl) -> Result<(), Problem> {
    let needs =
        [("sslCertificate", is_text(&ssl.certificate)), ("sslKey", ssl.key.is_some()), ("cname", is_text(&ssl.cname))];
    match needs.into_iter().find(|(_, given)| ssl.enabled && !given) {
        Some((name, _)) => {
            let message = format!("{name} is required when sslEnabled is true.");
            Err(Problem::invalid("SslConfigurationInvalid", message))
        }
        None => Ok(()),
    }
}

/// A request holds only names: the network is looked up in the workspace's own resource group. What the subnet refuses is
/// answered here, before anything is built; Azure's moment and code for it are not documented.
fn attachment(
    world: &World,
    ctx: &Ctx<'_>,
    service: &str,
    value: Option<&Value>,
    location: &str,
) -> Result<Option<Attachment>, Problem> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let name = |member: &str| value.get(member).and_then(Value::as_str).filter(|name| !name.is_empty());
    let (Some(vnet), Some(subnet)) = (name("vnetName"), name("subnetName")) else {
        return Err(Problem::invalid("InvalidVnetConfiguration", "vnetName and subnetName must both be given."));
    };
    let group = store::group_of(&ctx.workspace).unwrap_or_default();
    let subnet_id = network::subnet_id(&network::virtual_network_id(&group, vnet), subnet);
    world.authorize(&ctx.caller, "Microsoft.Network/virtualNetworks/subnets/join/action", &subnet_id)?;
    let attachment = Attachment { vnet: vnet.to_owned(), subnet: subnet.to_owned(), subnet_id };
    // A service that already is in the subnet keeps its address.
    let standing = world.machine_learning.service(&ctx.workspace, service).and_then(|service| service.network.as_ref());
    if standing != Some(&attachment) {
        let id = container_group_id(&ctx.workspace, service);
        let holder = Holder { id, location: location.to_owned() };
        addresses::check_subnet(world, &attachment.subnet_id, &holder)
            .map_err(|refusal| Problem::invalid(refusal.code, refusal.message))?;
    }
    Ok(Some(attachment))
}
