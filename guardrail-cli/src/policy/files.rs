//! The files of a policy's layers, by their endings.

use std::io;
use std::path::{Path, PathBuf};

use guardrail::policy::{Layer, Policy, PolicyBuilder, PolicyError};

use crate::arguments::Layers;

/// Bytes that one policy file may have.
const LONGEST: u64 = 16 << 20;

/// The policy of some files; `None` where there are none.
pub(super) fn policy(users: &[PathBuf], layers: &Layers) -> io::Result<Option<Result<Policy, PolicyError>>> {
    if users.is_empty()
        && layers.user.is_empty()
        && layers.organisation.is_empty()
        && layers.project.is_empty()
    {
        return Ok(None);
    }
    Ok(Some(add(Policy::builder(), users, layers)?.and_then(PolicyBuilder::build)))
}

/// Adds the files of each layer.
pub(super) fn add(
    mut builder: PolicyBuilder,
    users: &[PathBuf],
    layers: &Layers,
) -> io::Result<Result<PolicyBuilder, PolicyError>> {
    let of = |layer, paths: &'_ [PathBuf]| paths.iter().map(|path| (layer, path.clone())).collect::<Vec<_>>();
    let files = [
        of(Layer::Organisation, &layers.organisation),
        of(Layer::User, users),
        of(Layer::User, &layers.user),
        of(Layer::Project, &layers.project),
    ];
    for (layer, path) in files.into_iter().flatten() {
        let text = read(&path)?;
        let added = match path.extension().and_then(|ending| ending.to_str()) {
            Some("json") => builder.json_layer(layer, &text),
            Some("yaml" | "yml") => {
                // The same model by way of JSON, so that one reader is strict for all.
                let value: serde_json::Value = serde_saphyr::from_str(&text)
                    .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
                builder.json_layer(layer, &format!("{value:#}"))
            }
            _ => builder.layer(layer, &text),
        };
        builder = match added {
            Ok(builder) => builder,
            Err(error) => return Ok(Err(error)),
        };
    }
    Ok(Ok(builder))
}

/// A file's text.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if std::fs::metadata(path).map_err(named)?.len() > LONGEST {
        return Err(io::Error::other(format!("{}: it has more than {LONGEST} bytes", path.display())));
    }
    std::fs::read_to_string(path).map_err(named)
}
