//! The grammar for editors. These types are only described, never read into: the loader keeps
//! places and collects errors, which serde does not. A test holds the two together.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// The JSON Schema of a profile, draft 2020-12.
pub fn schema() -> Schema {
    schemars::schema_for!(Profile)
}

/// A stackctl profile: a stack's releases, their charts and values, and what each one needs.
#[derive(JsonSchema)]
#[schemars(
    rename_all = "camelCase",
    deny_unknown_fields,
    extend("patternProperties" = {"^x-": {"description": "Ignored: a place for anchors."}}),
    extend("anyOf" = [{"required": ["extends"]}, {"required": ["name", "namespace", "releases"]}])
)]
#[expect(dead_code, reason = "described, never made")]
struct Profile {
    /// The profile that this one lies over: maps merge deeply, lists and scalars replace, null takes away.
    extends: Option<String>,
    /// With the namespace the identity of the stack.
    name: Option<Name>,
    /// Where releases go that don't say otherwise.
    namespace: Option<Name>,
    /// Whether `up` may make a namespace that is missing; true by default.
    create_namespace: Option<Boolean>,
    /// What holds for every release that doesn't say otherwise.
    defaults: Option<Defaults>,
    /// The releases by their ids; null takes one away that the extended profile has.
    releases: Option<BTreeMap<String, Option<Release>>>,
    /// Findings of `stackctl check` that are known and stay.
    accept: Option<Vec<Accepted>>,
}

/// A finding that is accepted.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "described, never made")]
struct Accepted {
    /// The rule's id, as `stackctl check --list` has it.
    rule: String,
    /// Only in this release.
    release: Option<String>,
    /// Only of this object: KIND/NAME in lower case.
    object: Option<String>,
    /// Why it stays.
    reason: String,
}

/// What holds for every release that doesn't say otherwise.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "described, never made")]
struct Defaults {
    timeout: Option<Duration>,
    /// Where releases go that don't say otherwise.
    namespace: Option<Name>,
    values: Option<Values>,
    values_from: Option<Vec<ValuesFrom>>,
    /// Scalars under dotted keys, above all values.
    set: Option<BTreeMap<String, Scalar>>,
    /// Labels on helm's record of each release.
    labels: Option<BTreeMap<String, String>>,
    budgets: Option<Budgets>,
}

/// A helm release of the stack.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "described, never made")]
struct Release {
    /// A folder with a Chart.yaml or a packaged chart (.tgz), from the folder of this file; or
    /// oci://..., or REPOSITORY/NAME.
    chart: Option<String>,
    /// Of a chart from a registry or repository: exact, or a range as helm reads it.
    version: Option<String>,
    /// Helm's name for it; the id by default.
    release: Option<Name>,
    /// Where it goes.
    namespace: Option<Name>,
    /// False leaves it out, and the needs on it with it.
    enabled: Option<Boolean>,
    values: Option<Values>,
    values_from: Option<Vec<ValuesFrom>>,
    /// Scalars under dotted keys, above all values.
    set: Option<BTreeMap<String, Scalar>>,
    /// Labels on helm's record of it.
    labels: Option<BTreeMap<String, String>>,
    /// Commands that run before helm; one that fails is the release's failure.
    before: Option<Vec<Command>>,
    /// Commands that run once it is ready, before what needs it starts.
    after: Option<Vec<Command>>,
    /// Whether it can go back to an earlier revision: allowed by default.
    rollback: Option<Rollback>,
    /// Whether its upgrades take fields from whoever else has set them; false by default. Needs helm 4.
    force_conflicts: Option<Boolean>,
    /// What has to be ready first: ID, ID:deployed, or ID:KIND/NAME.
    needs: Option<Vec<String>>,
    timeout: Option<Duration>,
    budgets: Option<Budgets>,
}

/// Values files and maps, the later over the earlier.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "described, never made")]
enum Values {
    One(Layer),
    Several(Vec<Layer>),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "described, never made")]
enum Layer {
    /// A values file, from the folder of this file.
    File(String),
    /// Values written here.
    Map(BTreeMap<String, serde_json::Value>),
}

/// A layer of values that is fetched when a run begins, from one source.
#[derive(JsonSchema)]
#[schemars(
    rename_all = "camelCase",
    deny_unknown_fields,
    extend("oneOf" = [
        {"required": ["env", "path"]}, {"required": ["file"]}, {"required": ["sops"]}, {"required": ["command"]}
    ])
)]
#[expect(dead_code, reason = "described, never made")]
struct ValuesFrom {
    /// An environment variable.
    env: Option<String>,
    /// What a file holds.
    file: Option<String>,
    /// A file that sops decrypts.
    sops: Option<String>,
    /// What a program prints: a list of words, no shell.
    command: Option<Vec<String>>,
    /// How long the command may take; 30s by default.
    timeout: Option<Duration>,
    /// The dotted key that the text goes to; without it the text is a whole values file.
    path: Option<String>,
}

/// A program that runs before or after a release, in the folder of this file.
#[derive(JsonSchema)]
#[schemars(
    rename_all = "camelCase",
    deny_unknown_fields,
    extend("oneOf" = [{"required": ["command"]}, {"required": ["shell"]}])
)]
#[expect(dead_code, reason = "described, never made")]
struct Command {
    /// The program and its arguments: a list of words, no shell.
    command: Option<Vec<String>>,
    /// A script for /bin/sh.
    shell: Option<String>,
    /// Variables on top of the environment.
    env: Option<BTreeMap<String, Variable>>,
    /// How long it may take; 5m by default.
    timeout: Option<Duration>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "described, never made")]
enum Rollback {
    Allowed,
    ForwardOnly,
}

/// How long trouble is borne that may pass by itself.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "described, never made")]
struct Budgets {
    /// Restarts of one container, whatever its exit codes.
    restarts: Option<Count>,
    /// Image pulls that fail for a reason which may pass.
    image_pull: Option<Duration>,
    /// A Secret, ConfigMap or key that is not there.
    missing_object: Option<Duration>,
    /// A pod that no node takes.
    unschedulable: Option<Duration>,
    /// A controller that can't create its pods.
    failed_create: Option<Duration>,
    /// A volume that can't be mounted, or a sandbox that can't be made.
    failed_mount: Option<Duration>,
    /// An init or hook container that keeps printing what it has printed before.
    no_activity: Option<Duration>,
}

/// What a variable stands for can't be known beforehand.
const VARIABLE: &str = r"\$\{";

struct Name;
struct Duration;
struct Boolean;
struct Count;
struct Scalar;
struct Variable;

impl JsonSchema for Name {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A DNS label: lower case letters, digits and dashes.",
            "type": "string",
            "anyOf": [{"pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}, {"pattern": VARIABLE}],
        })
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Hours, minutes and seconds, each with its unit: 1h30m, 90s.",
            "type": "string",
            "anyOf": [{"pattern": "^(\\d+h)?(\\d+m)?(\\d+s)?$", "minLength": 2}, {"pattern": VARIABLE}],
        })
    }
}

impl JsonSchema for Boolean {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Boolean".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": VARIABLE}]})
    }
}

impl JsonSchema for Count {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": VARIABLE}]})
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number", "boolean", "null"]})
    }
}

impl JsonSchema for Variable {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Variable".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number", "boolean"]})
    }
}
