//! What is kept between two reconciles, or read for one: each with a bound, and each lost without harm.

pub(crate) mod at_rest;
pub(crate) mod bounded;
pub(crate) mod cached_object;
pub(crate) mod compression;
pub(crate) mod config_maps;
pub(crate) mod digests;
pub(crate) mod locks;
pub(crate) mod named;
pub(crate) mod packed;
pub(crate) mod references;
pub(crate) mod remote_files;
pub(crate) mod secrets;
pub(crate) mod snapshot;
pub(crate) mod stores;

/// What an object in another form has in common with its type `$object`, for [`kube::Resource`] and
/// [`kube::runtime::reflector::Lookup`].
macro_rules! kind_of {
    ($object:ty) => {
        fn kind(_: &()) -> std::borrow::Cow<'_, str> {
            <$object as kube::Resource>::kind(&())
        }

        fn group(_: &()) -> std::borrow::Cow<'_, str> {
            <$object as kube::Resource>::group(&())
        }

        fn version(_: &()) -> std::borrow::Cow<'_, str> {
            <$object as kube::Resource>::version(&())
        }

        fn plural(_: &()) -> std::borrow::Cow<'_, str> {
            <$object as kube::Resource>::plural(&())
        }
    };
}
use kind_of;
