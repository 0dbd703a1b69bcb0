//! What is wrong with the chart or a values file before anything is sent: no YAML, no chart, a
//! dependency that is not there, a cluster that is too old.

use super::parse::{Said, after, between, brief};
use super::template::in_chart;
use super::{About, Cause, Failure, SENTENCE_LIMIT};

pub fn find(about: &About<'_>, said: &Said) -> Option<Failure> {
    let text = said.text.as_str();
    rendered(about, text)
        .or_else(|| kube_version(text))
        .or_else(|| dependency(about, text))
        .or_else(|| values_file(text))
        .or_else(|| library(about, text))
        .or_else(|| no_chart(about, text))
}

fn rendered(about: &About<'_>, text: &str) -> Option<Failure> {
    let rest = text.strip_prefix("YAML parse error on ")?;
    let (file, why) = rest.split_once(": ")?;
    let file = in_chart(file);
    let sentence = match (
        between(why, "yaml: line ", ": "),
        after(why, "cannot unmarshal "),
    ) {
        (Some(line), _) => {
            let why = after(why, &format!("yaml: line {line}: ")).unwrap_or(why);
            format!("`{file}` renders to text that is no YAML: its line {line}: {why}")
        }
        (None, Some(found)) => {
            let found = found.split(' ').next().unwrap_or_default();
            let field = between(why, "Go struct field SimpleHead.", " ");
            match field {
                Some(field) => format!(
                    "`{file}` renders to no Kubernetes object: its `{field}` is of type {found}"
                ),
                None => format!("`{file}` renders to no Kubernetes object, but to a {found}"),
            }
        }
        (None, None) => format!(
            "`{file}` renders to text that is no YAML: {}",
            brief(why, SENTENCE_LIMIT)
        ),
    };
    let command = format!(
        "helm template {} {} --namespace {} --show-only {file} --debug",
        about.release, about.chart, about.namespace
    );
    Some(
        Failure::new(Cause::RenderedYaml, sentence)
            .through(format!("template {file}"))
            .hint(format!(
                "`{command}`, with this release's values, prints that text"
            )),
    )
}

fn kube_version(text: &str) -> Option<Failure> {
    let wanted = between(
        text,
        "chart requires kubeVersion: ",
        " which is incompatible with ",
    )?;
    let found = after(text, "incompatible with Kubernetes ")?;
    let sentence = format!("the chart needs Kubernetes {wanted}, and the cluster has {found}");
    Some(
        Failure::new(Cause::KubeVersion, sentence).hint(
            "take a version of the chart that is made for this cluster, or upgrade the cluster",
        ),
    )
}

fn dependency(about: &About<'_>, text: &str) -> Option<Failure> {
    let names = after(
        text,
        "found in Chart.yaml, but missing in charts/ directory: ",
    )?;
    let names = names.trim_end_matches('.');
    let sentence = format!("the chart needs `{names}`, which is not in its `charts` folder");
    Some(
        Failure::new(Cause::Dependency, sentence)
            .hint(format!("run `helm dependency build {}` once", about.chart)),
    )
}

fn values_file(text: &str) -> Option<Failure> {
    if let Some(rest) = text.strip_prefix("failed to parse ") {
        let (file, why) = rest.split_once(": ")?;
        let why = after(why, "yaml: ").unwrap_or(why);
        let why = brief(why, SENTENCE_LIMIT);
        let sentence = format!("the values in `{file}` can't be read: {why}");
        return Some(Failure::new(Cause::ValuesFile, sentence));
    }
    let file = text
        .strip_prefix("open ")
        .and_then(|rest| rest.strip_suffix(": no such file or directory"))?;
    let sentence = format!("there is no file `{file}`");
    Some(Failure::new(Cause::ValuesFile, sentence))
}

fn library(about: &About<'_>, text: &str) -> Option<Failure> {
    let is_library = text.contains("library charts are not installable");
    let sentence = format!(
        "`{}` is a library chart, which can't be installed",
        about.chart
    );
    is_library.then(|| {
        Failure::new(Cause::NoChart, sentence).hint(
            "name a chart that has it among its `dependencies`; a library only lends templates",
        )
    })
}

fn no_chart(about: &About<'_>, text: &str) -> Option<Failure> {
    let told = [
        "unable to detect chart at ",
        "Chart.yaml file is missing",
        "chart metadata is missing",
        "cannot load Chart.yaml",
        "validation: chart.metadata",
    ];
    let missing = text.starts_with("path \"") && text.ends_with("\" not found");
    let found = told.iter().find(|mark| text.starts_with(**mark));
    if found.is_none() && !missing {
        return None;
    }
    let chart = about.chart;
    let sentence = match found {
        Some(&("cannot load Chart.yaml" | "validation: chart.metadata")) => {
            let why = brief(text, SENTENCE_LIMIT);
            format!("`{chart}` is no valid chart: {why}")
        }
        _ => format!("there is no chart at `{chart}`"),
    };
    Some(Failure::new(Cause::NoChart, sentence))
}
