use std::ffi::OsString;
use std::path::Path;

/// Inherited settings that say where helm keeps things and what it may use; every other `HELM_*`
/// could silently change the target (`HELM_NAMESPACE`, `HELM_KUBECONTEXT`, `HELM_DEBUG`, ...).
const KEPT: [&str; 5] = [
    "HELM_CONFIG_HOME",
    "HELM_DRIVER",
    "HELM_DRIVER_SQL_CONNECTION_STRING",
    "HELM_REGISTRY_CONFIG",
    "HELM_REPOSITORY_CONFIG",
];

pub type Changes = Vec<(OsString, Option<OsString>)>;

/// Takes away the `HELM_*` variables among `inherited` that could change what helm does.
pub fn scrubbed(inherited: impl Iterator<Item = OsString>) -> Changes {
    let foreign = |key: &OsString| {
        let key = key.to_string_lossy();
        key.starts_with("HELM_") && !KEPT.contains(&key.as_ref())
    };
    let mut changes: Changes = inherited.filter(foreign).map(|key| (key, None)).collect();
    changes.push(("NO_COLOR".into(), Some("1".into())));
    changes
}

/// Where helm keeps its records, as `HELM_DRIVER` says; empty for its default.
pub fn storage_driver() -> String {
    let driver = std::env::var_os("HELM_DRIVER").unwrap_or_default();
    driver.to_string_lossy().into_owned()
}

/// What a helm of one run is given, whose private folder this is.
pub fn of_run(folder: &Path) -> Changes {
    let mut changes = scrubbed(std::env::vars_os().map(|(key, _)| key));
    changes.extend(private(folder));
    changes
}

/// Gives helm a cache and a data folder of this run's own: several at once corrupt each other's.
fn private(folder: &Path) -> Changes {
    ["CACHE", "DATA"]
        .map(|what| {
            let value = folder.join(what.to_lowercase()).into_os_string();
            (format!("HELM_{what}_HOME").into(), Some(value))
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_harmless_is_passed_on() {
        let inherited = ["HELM_DRIVER", "HELM_NAMESPACE", "PATH", "HELM_DEBUG"];
        let gone: Vec<OsString> = scrubbed(inherited.into_iter().map(OsString::from))
            .into_iter()
            .filter(|(_, value)| value.is_none())
            .map(|(key, _)| key)
            .collect();
        assert_eq!(gone, ["HELM_NAMESPACE", "HELM_DEBUG"]);
    }
}
