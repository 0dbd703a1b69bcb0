//! The rules of `stackctl check` on what only looks like a defect, and their page. The defects
//! themselves are charts in `tests/fixtures/check`, which helm renders end to end.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod corpus;

use std::path::Path;

use stackctl::check::{Finding, Known, RULES, Release, Stack, check};
use stackctl::plan::{Plan, Selection};
use stackctl::profile;

/// What the rules find in a release, or in two where the second one needs the first.
fn found(manifests: &[&str]) -> Vec<String> {
    let rules = findings(manifests, "", None).into_iter();
    rules.map(|it| it.rule.to_owned()).collect()
}

fn findings(manifests: &[&str], extra: &str, known: Option<Known>) -> Vec<Finding> {
    let (mut stack, profile) = stack(manifests, extra, true);
    stack.known = known.map(|known| Known {
        served: stack.kinds(),
        ..known
    });
    check(&stack, &profile).findings
}

/// `RULE SEVERITY` of what is found.
fn severities(manifests: &[&str], known: Option<Known>) -> Vec<String> {
    let severity = |it: Finding| format!("{} {}", it.rule, it.severity.as_str());
    let findings = findings(manifests, "", known).into_iter();
    findings.map(severity).collect()
}

/// A cluster that has this, as `KIND NAMESPACE NAME`, and serves every kind of the stack.
fn cluster(existing: &[&str]) -> Option<Known> {
    let key = |line: &&str| {
        let mut words = line.split(' ').map(str::to_owned);
        (
            words.next().unwrap(),
            words.next().unwrap(),
            words.next().unwrap(),
        )
    };
    let mut known = Known::default();
    known.existing.extend(existing.iter().map(key));
    Some(known)
}

fn stack(manifests: &[&str], extra: &str, in_order: bool) -> (Stack, profile::Profile) {
    stack_needing(manifests, extra, |at| match at > 0 && in_order {
        true => format!(", needs: [r{}]", at - 1),
        false => String::new(),
    })
}

fn stack_needing(
    manifests: &[&str],
    extra: &str,
    needs: impl Fn(usize) -> String,
) -> (Stack, profile::Profile) {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "name: shop\nnamespace: shop\nreleases:\n".to_owned();
    for at in 0..manifests.len() {
        let chart = folder.path().join(format!("r{at}"));
        std::fs::create_dir(&chart).unwrap();
        std::fs::write(
            chart.join("Chart.yaml"),
            "apiVersion: v2\nname: r\nversion: 0.1.0\n",
        )
        .unwrap();
        let needs = needs(at);
        text += &format!("  r{at}: {{chart: ./r{at}{needs}}}\n");
    }
    text += extra;
    let file = folder.path().join("profile.yaml");
    let profile = profile::read(&file, text.as_bytes(), &|_| None).unwrap();
    let plan = Plan::new(&profile, &Selection::All).unwrap();
    let release = |(at, manifest): (usize, &&str)| {
        // What is rendered, as the text of a template that asks nothing of the cluster.
        let sources = vec![("r/templates/all.yaml".into(), (*manifest).to_owned())];
        Release::new(&plan, &profile, at, manifest, sources)
    };
    let releases = manifests.iter().enumerate().map(release).collect();
    let known = None;
    (Stack { releases, known }, profile)
}

const POD: &str = "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}";
const CONTAINER: &str = "image: \"registry.example.com/app:1.0\", \
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}, \
    resources: {requests: {cpu: 10m, memory: 16Mi}}";

fn deployment(name: &str, spec: &str, container: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  \
         template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec: {{{POD}, {spec}\
         containers: [{{name: {name}, {CONTAINER}{container}}}]}}\n"
    )
}

fn service(name: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}}}}}\n"
    )
}

const PROBED: &str = ", readinessProbe: {httpGet: {port: 80}}";

#[test]
fn a_host_may_be_named_in_many_ways() {
    let database = deployment("database", "", PROBED) + &service("database");
    for host in [
        "postgres://u@database:5432/shop",
        "postgres://database.shop/shop",
        "postgres://database.shop.svc.cluster.local./shop",
        "postgres://db.example.com/shop",
        "postgres://10.0.0.7/shop",
        "php://stderr",
        "native:",
    ] {
        let env = format!(", env: [{{name: URL, value: \"{host}\"}}]");
        assert_eq!(
            found(&[&database, &deployment("web", "", &env)]),
            [""; 0],
            "{host}"
        );
    }
    let env = ", env: [{name: URL, value: \"postgres://db/shop\"}, {name: DB_HOST, value: db}]";
    assert_eq!(
        found(&[&database, &deployment("web", "", env)]),
        ["host-unknown"]
    );
}

/// A Job and the ServiceAccount that it runs as.
fn job_and_account(job: &str, account: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: worker{account}}}\n---\n\
         apiVersion: batch/v1\nkind: Job\nmetadata: {{name: seed{job}}}\nspec: {{backoffLimit: 1, \
         activeDeadlineSeconds: 60, template: {{spec: {{{POD}, restartPolicy: Never, \
         serviceAccountName: worker, containers: [{{name: seed, {CONTAINER}}}]}}}}}}\n"
    )
}

fn hook(events: &str, weight: &str) -> String {
    format!(", annotations: {{helm.sh/hook: \"{events}\", helm.sh/hook-weight: \"{weight}\"}}")
}

#[test]
fn a_hook_may_use_what_helm_makes_before_it() {
    for (job, account, expected) in [
        (("pre-install", "0"), ("pre-install", "-5"), ""),
        (("pre-install", "0"), ("pre-install", "0"), "hook-order"),
        (("pre-install", "0"), ("post-install", "-5"), "hook-order"),
        // It is there since the install.
        (("pre-upgrade", "0"), ("pre-install,pre-upgrade", "5"), ""),
        (("pre-upgrade", "0"), ("pre-upgrade", "5"), "hook-order"),
    ] {
        let manifest = job_and_account(&hook(job.0, job.1), &hook(account.0, account.1));
        assert_eq!(
            found(&[&manifest]).concat(),
            expected,
            "{job:?} {account:?}"
        );
    }
    // `an-account` comes before `seed`.
    let manifest = job_and_account(&hook("pre-install", "0"), &hook("pre-install", "0"));
    assert_eq!(found(&[&manifest.replace("worker", "an-account")]), [""; 0]);
}

#[test]
fn a_hook_of_upgrades_finds_the_ordinary_objects() {
    let ordinary = |events| found(&[&job_and_account(&hook(events, "0"), "")]);
    assert_eq!(
        ordinary("pre-install,pre-upgrade"),
        ["hook-needs-own-object"]
    );
    assert_eq!(ordinary("pre-upgrade"), [""; 0]);
    assert_eq!(ordinary("post-install"), [""; 0]);
}

#[test]
fn a_claim_for_one_node_may_be_one_pods() {
    let claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n\
        spec: {accessModes: [ReadWriteOnce]}\n";
    let volume = "volumes: [{name: d, persistentVolumeClaim: {claimName: data}}], ";
    assert_eq!(
        found(&[&(claim.to_owned() + &deployment("web", volume, ""))]),
        [""; 0]
    );
}

#[test]
fn a_claim_that_one_pod_alone_may_mount_is_surely_not_shared() {
    let claim = |mode: &str, replicas: &str| {
        let volume = "volumes: [{name: d, persistentVolumeClaim: {claimName: data}}], ";
        let claim = format!(
            "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data}}\n\
             spec: {{accessModes: [{mode}]}}\n"
        );
        let web = deployment("web", volume, "");
        let web = web.replace("spec:\n", &format!("spec:\n  replicas: {replicas}\n"));
        severities(&[&(claim + &web)], None).concat()
    };
    assert_eq!(claim("ReadWriteOnce", "1"), "");
    assert_eq!(claim("ReadWriteOnce", "2"), "claim-shared warning");
    assert_eq!(claim("ReadWriteOncePod", "2"), "claim-shared error");
    assert_eq!(claim("ReadWriteMany", "2"), "");
}

#[test]
fn what_no_release_makes_is_as_bad_as_is_known() {
    let env = |kind: &str, more: &str| {
        let env = format!(", envFrom: [{{{kind}: {{name: extra{more}}}}}]");
        deployment("web", "", &env)
    };
    let optional = env("secretRef", ", optional: true");
    assert_eq!(found(&[&optional]), [""; 0]);
    let account = deployment("web", "serviceAccountName: extra, ", "");
    for (manifest, alone, asked) in [
        (env("secretRef", ""), "note", "warning"),
        (env("configMapRef", ""), "warning", "warning"),
        (account.clone(), "warning", "error"),
        (
            account.replace("spec:\n", "spec:\n  replicas: 0\n"),
            "warning",
            "warning",
        ),
    ] {
        let expected = |severity| [format!("reference-missing {severity}")];
        assert_eq!(severities(&[&manifest], None), expected(alone));
        assert_eq!(severities(&[&manifest], cluster(&[])), expected(asked));
    }
    let there = cluster(&["ServiceAccount shop extra"]);
    assert_eq!(severities(&[&account], there), [""; 0]);
    // A cluster that may not be asked has not said no.
    let mut denied = Known::default();
    let key = ["ServiceAccount", "shop", "extra"].map(str::to_owned);
    denied.hidden.insert(key.into());
    let all = findings(&[&account], "", Some(denied));
    let message = "Deployment `web` uses ServiceAccount `extra`, which no release makes; whether it \
        is there may not be asked of this cluster";
    assert_eq!(
        (all[0].severity.as_str(), all[0].message.as_str()),
        ("warning", message)
    );
}

#[test]
fn what_the_stack_may_make_itself_is_a_note_at_most() {
    let user = deployment("web", "", ", envFrom: [{secretRef: {name: web-tls}}]");
    let role = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: certs}\n\
        rules: [{apiGroups: [\"\"], resources: [secrets], verbs: [get, create]}]\n";
    let by_role = findings(&[&(user.clone() + role)], "", cluster(&[]));
    assert_eq!(by_role[0].severity.as_str(), "note");
    let message = "Deployment `web` uses Secret `web-tls`, which no release makes; the holder of \
        Role `certs` may bring it";
    assert_eq!(by_role[0].message, message);
    let custom = "---\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: web}\n\
        spec: {secretName: web-tls}\n";
    assert_eq!(
        severities(&[&(user + custom)], None),
        ["reference-missing note"]
    );
}

#[test]
fn hosts_with_dots_are_looked_up() {
    let web = |host: &str| {
        let env = format!(", env: [{{name: URL, value: \"http://{host}/\"}}]");
        deployment("web", "", &env)
    };
    let there = || cluster(&["Service infra db"]);
    for (host, alone, asked) in [
        ("kubernetes.default.svc", "", ""),
        ("db.infra.svc", "note", ""),
        ("db-0.db.infra.svc.cluster.local", "note", ""),
        ("cache.infra.svc", "note", "warning"),
        ("cache.shop.svc", "warning", "warning"),
        ("db.infra", "", ""),
        ("cache.infra", "", ""),
        ("cache", "warning", "warning"),
    ] {
        let expected = |severity: &str| match severity {
            "" => String::new(),
            severity => format!("host-unknown {severity}"),
        };
        assert_eq!(
            severities(&[&web(host)], None).concat(),
            expected(alone),
            "{host}"
        );
        assert_eq!(
            severities(&[&web(host)], there()).concat(),
            expected(asked),
            "{host}"
        );
    }
    let (stack, _) = stack(&[&web("db-0.db.infra.svc")], "", true);
    let asked = stack.outsiders().into_iter().next();
    assert_eq!(asked, Some(("Service".into(), "infra".into(), "db".into())));
}

#[test]
fn a_pod_with_a_resolver_of_its_own_knows_other_hosts() {
    let env = ", env: [{name: DB_HOST, value: db}]";
    for spec in [
        "dnsPolicy: Default, ",
        "hostNetwork: true, ",
        "dnsConfig: {searches: [infra.example.com]}, ",
        "hostAliases: [{ip: 10.0.0.7, hostnames: [db]}], ",
    ] {
        let found = found(&[&deployment("web", spec, env)]).into_iter();
        let hosts = found.filter(|rule| rule == "host-unknown").count();
        assert_eq!(hosts, 0, "{spec}");
    }
}

#[test]
fn switches_are_no_passwords() {
    let web = |name: &str, value: &str| {
        let env = format!(", env: [{{name: {name}, value: \"{value}\"}}]");
        found(&[&deployment("web", "", &env)])
    };
    for (name, value) in [
        ("ALLOW_EMPTY_PASSWORD", "yes"),
        ("REDIS_UPDATE_PASSWORD", "true"),
        ("DISABLE_TOKEN", "x"),
        ("AUTH_TOKEN", "/var/run/token"),
        ("DB_PASSWORD", "$(OTHER)"),
        ("DB_PASSWORD", "${OTHER}"),
        ("URL", "amqp://user:$PASS@mq.example.com"),
    ] {
        assert_eq!(web(name, value), [""; 0], "{name}={value}");
    }
    for (name, value) in [
        ("DB_PASSWORD", "hunter2"),
        ("URL", "amqp://user:hunter2@mq.example.com"),
    ] {
        assert_eq!(web(name, value), ["secret-in-plain"], "{name}={value}");
    }
}

#[test]
fn an_old_version_is_certain_where_the_chart_does_not_ask() {
    let budget =
        "---\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n";
    assert_eq!(severities(&[budget], None), ["api-not-served error"]);
    let asks = format!("{budget}# {{{{ .Capabilities.APIVersions.Has \"policy/v1\" }}}}\n");
    assert_eq!(severities(&[&asks], None), ["api-not-served warning"]);
    let served = |change: fn(&mut Release)| {
        let (mut stack, profile) = stack(&[&asks], "", true);
        stack.known = Some(Known::default());
        change(&mut stack.releases[0]);
        let findings = check(&stack, &profile).findings.into_iter();
        let told: Vec<String> = findings
            .map(|it| format!("{} {}", it.rule, it.severity.as_str()))
            .collect();
        told
    };
    assert_eq!(served(|_| {}), ["api-not-served warning"]);
    // The cluster has had a part in it, or has refused it.
    let certain = ["api-not-served error"];
    assert_eq!(served(|release| release.on_cluster = true), certain);
    let refused = |release: &mut Release| {
        let kind = (
            "policy/v1beta1".to_owned(),
            "PodDisruptionBudget".to_owned(),
        );
        release.unserved.insert(kind);
    };
    assert_eq!(served(refused), certain);
}

/// Of a kind that nothing defines, what comes before may bring the definition.
#[test]
fn a_kind_that_may_come_is_warned_of() {
    let custom = "---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\n";
    let told = |first: &str, change: fn(&mut Release)| -> Vec<String> {
        let (mut stack, profile) = stack(&[first, custom], "", true);
        stack.known = cluster(&[]);
        let mut served = stack.kinds();
        served.retain(|(_, kind)| kind != "Widget");
        stack.known.as_mut().unwrap().served = served;
        stack
            .releases
            .iter_mut()
            .for_each(|it| it.on_cluster = true);
        change(&mut stack.releases[0]);
        let findings = check(&stack, &profile).findings.into_iter();
        let found = findings.filter(|it| it.rule == "api-not-served");
        found
            .map(|it| format!("{}: {}", it.severity.as_str(), it.message))
            .collect()
    };
    let refused = "Widget `a` is of `example.com/v1`, which this cluster does not serve";
    let map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    assert_eq!(told(map, |_| {}), [format!("error: {refused}")]);
    assert_eq!(
        told(map, |release| release.runs_after = true),
        [format!(
            "warning: {refused}; a command of release `r0` may bring it"
        )]
    );
    let template = "---\napiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\n\
        metadata: {name: widgets}\nspec: {crd: {spec: {names: {kind: Widget}}}}\n";
    assert_eq!(
        told(template, |_| {}),
        [format!(
            "warning: {refused}; ConstraintTemplate `widgets` may bring it"
        )]
    );
    let service = "---\napiVersion: apiregistration.k8s.io/v1\nkind: APIService\n\
        metadata: {name: v1.example.com}\nspec: {group: example.com, version: v1}\n";
    assert_eq!(
        told(service, |_| {}),
        [format!(
            "warning: {refused}; APIService `v1.example.com` may bring it"
        )]
    );
}

/// Its pods wait for it.
#[test]
fn a_pod_that_uses_what_another_release_makes_is_warned_of() {
    let envs = ", envFrom: [{configMapRef: {name: settings}}]";
    let user = deployment("web", "", envs);
    let maker = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n";
    let (apart, profile) = stack(&[&user, maker], "", false);
    let told = |report: stackctl::check::Report| {
        let found = report.findings.into_iter();
        let found = found.filter(|it| it.rule == "need-unstated");
        let text = |it: Finding| format!("{}: {}", it.severity.as_str(), it.message);
        found.map(text).collect::<Vec<_>>()
    };
    let uses = "warning: Deployment `web` uses ConfigMap `settings` of release `r1`, which `r0` does not need";
    assert_eq!(told(check(&apart, &profile)), [uses]);
    let (in_order, profile) = stack(&[&user, maker], "", true);
    let impossible = format!("{uses} and can't, for `r1` needs it");
    assert_eq!(told(check(&in_order, &profile)), [impossible]);
}

#[test]
fn a_need_on_what_is_not_there_is_told() {
    let web = deployment("web", "", "");
    let hook = |events: &str, policy: &str| {
        format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: key\n  annotations: \
             {{helm.sh/hook: '{events}', helm.sh/hook-delete-policy: '{policy}'}}\n"
        )
    };
    let told = |until: &str, manifest: &str| {
        let needs = |at| match at {
            0 => String::new(),
            _ => format!(", needs: ['r0:{until}']"),
        };
        let (stack, profile) = stack_needing(&[manifest, &web], "", needs);
        let found = check(&stack, &profile).findings.into_iter();
        let found = found.filter(|it| it.rule == "need-missing");
        let text = |it: Finding| format!("{}: {}", it.severity.as_str(), it.message);
        found.map(text).collect::<Vec<_>>()
    };
    let app = deployment("app", "", "");
    for there in ["deployment/app", "deployments/app", "deploy/app"] {
        assert_eq!(told(there, &app), [""; 0], "{there}");
    }
    let none = "error: `r1` needs `deployment/typo` of release `r0`, which has no such object; it \
                has `deployment/app`";
    assert_eq!(told("deployment/typo", &app), [none]);
    let asks = format!("# {{{{ if .Capabilities.APIVersions }}}}\n{app}");
    let perhaps = format!("{none}; the chart may render it when it is installed");
    let perhaps = perhaps.replace("error:", "warning:");
    assert_eq!(told("deployment/typo", &asks), [perhaps]);

    let nothing = [
        "error: `r1` needs `secret/key` of release `r0`; only a hook makes it, and \
                    leaves nothing of it",
    ];
    let stays = "before-hook-creation";
    assert_eq!(told("secret/key", &hook("pre-install", stays)), [""; 0]);
    assert_eq!(told("secret/key", &hook("post-upgrade", stays)), [""; 0]);
    assert_eq!(told("secret/key", &hook("test", stays)), nothing);
    let goes = hook("pre-install", "hook-succeeded");
    assert_eq!(told("secret/key", &goes), nothing);
}

/// helm could read it, and has installed it: the rules look at the rest.
#[test]
fn a_document_that_only_helm_can_read_is_left_out() {
    let odd = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'odd}\n";
    let manifest = format!("{odd}{}", deployment("web", "", ""));
    let (stack, profile) = stack(&[&manifest], "", true);
    assert_eq!(stack.releases[0].unread, [1]);
    let fine = found(&[&deployment("web", "", "")]);
    let rules = check(&stack, &profile).findings.into_iter();
    assert_eq!(rules.map(|it| it.rule.to_owned()).collect::<Vec<_>>(), fine);
}

#[test]
fn a_namespace_that_another_release_brings_is_needed() {
    let space = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: guests}\n";
    let map = |name: &str| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: guests}}\n"
        )
    };
    let guest = map("a") + &map("b");
    let found = |needs| {
        let (stack, profile) = stack(&[space, &guest], "", needs);
        let found = check(&stack, &profile).findings.into_iter();
        let found = found.filter(|it| it.rule == "need-unstated");
        found.map(|it| it.message).collect::<Vec<_>>()
    };
    assert_eq!(found(true), [""; 0]);
    let told = "ConfigMap `a` is in namespace `guests`, which release `r0` brings, and `r1` does not need it";
    assert_eq!(found(false), [told]);
}

#[test]
fn a_custom_resource_needs_the_release_with_its_definition() {
    let definition = "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
        metadata: {name: tasks.example.com}\nspec: {group: example.com, names: {kind: Task}}\n";
    let resource = "---\napiVersion: example.com/v1\nkind: Task\nmetadata: {name: nightly}\n";
    assert_eq!(found(&[definition, resource]), [""; 0]);
    assert_eq!(found(&[&(definition.to_owned() + resource)]), [""; 0]);
    let (mut stack, profile) = stack(&[definition, resource], "", false);
    let report = check(&stack, &profile);
    let message = "Task `nightly` is of `example.com/v1`, which release `r0` brings, and `r1` does \
        not need it";
    assert_eq!(report.findings[0].message, message);
    assert_eq!(report.counts().errors, 1);
    stack.known = Some(Known {
        served: stack.kinds(),
        ..Known::default()
    });
    assert_eq!(check(&stack, &profile).findings, []);
}

#[test]
fn what_must_be_text_is_told_before_helm_refuses_it() {
    let config = |text: &str| {
        let manifest = format!("---\napiVersion: v1\nkind: ConfigMap\n{text}\n");
        let all = findings(&[&manifest], "", None).into_iter();
        all.map(|it| it.message).collect::<Vec<_>>()
    };
    assert_eq!(
        config("metadata: {name: \"8\", labels: {a: }}\ndata: {b: }"),
        [""; 0]
    );
    assert_eq!(
        config("metadata: {name: 8, annotations: {a: true}}\ndata: {port: 80}"),
        [
            "ConfigMap `8` has the number 8 for its `name`",
            "ConfigMap `8` has the boolean true for `a` in its annotations",
            "ConfigMap `8` has the number 80 for `port` in its data",
        ]
    );
    // YAML 1.1, as helm reads it.
    assert_eq!(
        config("metadata: {name: y, labels: {a: off}}\ndata: {a: 'n'}"),
        [
            "ConfigMap `true` has the boolean true for its `name`",
            "ConfigMap `true` has the boolean false for `a` in its labels",
        ]
    );
    assert_eq!(
        config("metadata: {generateName: load-}"),
        ["ConfigMap `load-` has a `generateName` and no `name`"]
    );
    let web = deployment(
        "web",
        "",
        ", args: [--port, 80], env: [{name: DEBUG, value: false}]",
    );
    assert_eq!(found(&[&web]), ["not-text", "not-text"]);
}

#[test]
fn definitions_of_a_folder_crds_belong_to_nobody() {
    let definition = |source: &str| {
        format!(
            "---\n# Source: {source}\napiVersion: apiextensions.k8s.io/v1\n\
             kind: CustomResourceDefinition\nmetadata: {{name: tasks.example.com}}\n"
        )
    };
    let inside = definition("r/crds/tasks.yaml");
    assert_eq!(found(&[&inside, &inside]), [""; 0]);
    let template = definition("r/templates/crds/tasks.yaml");
    assert_eq!(found(&[&template, &template]), ["object-twice"]);
}

#[test]
fn what_the_profile_accepts_is_counted_apart() {
    let floating = deployment("web", "", "").replace("app:1.0", "app:latest");
    let accept = "accept: [{rule: image-floating, object: Deployment/web, reason: no other}]\n";
    let (stack, profile) = stack(&[&floating], accept, true);
    let report = check(&stack, &profile);
    assert_eq!(report.findings[0].accepted.as_deref(), Some("no other"));
    assert_eq!((report.counts().warnings, report.counts().accepted), (0, 1));
}

#[test]
fn the_page_has_every_rule() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks.md");
    let page = std::fs::read_to_string(page).unwrap();
    for rule in RULES {
        let (severity, id) = (rule.severity.as_str(), rule.id);
        let (what, why, remedy) = (rule.summary, rule.why, rule.remedy);
        let row = format!("| `{id}` | {severity} | {what} | {why} | {remedy} |\n");
        assert!(page.contains(&row), "docs/checks.md lacks\n{row}");
    }
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(
        rows,
        RULES.len(),
        "docs/checks.md has rules that there are not"
    );
}

/// As for a first install, a chart finds nothing that it could keep.
#[test]
fn what_a_chart_may_keep_or_means_is_a_note() {
    let of = |kind: &str, more: &str, other: &str| {
        let object = |value: &str| {
            format!(
                "# Source: r/templates/all.yaml\napiVersion: v1\nkind: {kind}\n\
                 metadata: {{name: a{more}}}\nvalue: {value}\n"
            )
        };
        let (mut stack, profile) = stack(&[&(object("x") + other)], "", true);
        let again = object("y") + other;
        stack.releases[0].compare(&(object("x") + other), &again);
        let findings = check(&stack, &profile).findings.into_iter();
        let ours = findings.filter(|it| it.rule == "rendered-differently");
        ours.map(|it| it.severity.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of("Secret", "", ""), ["warning"]);
    assert_eq!(of("Secret", "", "# lookup\n"), ["note"]);
    assert_eq!(of("Job", "", ""), ["note"]);
    let hook = |events: &str| format!(", annotations: {{helm.sh/hook: '{events}'}}");
    assert_eq!(of("Secret", &hook("pre-install"), ""), [""; 0]);
    assert_eq!(
        of("Secret", &hook("pre-install,pre-upgrade"), ""),
        ["warning"]
    );
}

/// Each rule has a chart on which it fires, end to end.
#[test]
fn every_rule_has_a_chart() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/check");
    for rule in RULES {
        assert!(
            folder.join(rule.id).join("profile.yaml").is_file(),
            "{}",
            rule.id
        );
    }
}
