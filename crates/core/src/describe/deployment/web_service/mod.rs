//! The backend `AzureMLWebService`: a web service of Azure Machine Learning v1.

pub(super) mod adopted;
pub(super) mod blueprint;
pub(super) mod cause;
pub(super) mod image;
mod settings;
