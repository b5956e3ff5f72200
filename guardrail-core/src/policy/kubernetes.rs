//! The names that Kubernetes has for one kind of resource.

/// The singular of each kind with its other names; any other kind is its own name, without the
/// `s` of a plural.
const KINDS: &[(&str, &[&str])] = &[
    ("certificatesigningrequest", &["csr", "certificatesigningrequests"]),
    ("clusterrole", &["clusterroles"]),
    ("clusterrolebinding", &["clusterrolebindings"]),
    ("configmap", &["cm", "configmaps"]),
    ("cronjob", &["cj", "cronjobs"]),
    ("customresourcedefinition", &["crd", "crds", "customresourcedefinitions"]),
    ("daemonset", &["ds", "daemonsets"]),
    ("deployment", &["deploy", "deployments"]),
    ("endpoints", &["ep", "endpoint"]),
    ("endpointslice", &["endpointslices"]),
    ("event", &["ev", "events"]),
    ("horizontalpodautoscaler", &["hpa", "horizontalpodautoscalers"]),
    ("ingress", &["ing", "ingresses"]),
    ("ingressclass", &["ingressclasses"]),
    ("limitrange", &["limits", "limitranges"]),
    ("namespace", &["ns", "namespaces"]),
    ("networkpolicy", &["netpol", "networkpolicies"]),
    ("node", &["no", "nodes"]),
    ("persistentvolume", &["pv", "persistentvolumes"]),
    ("persistentvolumeclaim", &["pvc", "persistentvolumeclaims"]),
    ("pod", &["po", "pods"]),
    ("poddisruptionbudget", &["pdb", "poddisruptionbudgets"]),
    ("podsecuritypolicy", &["psp", "podsecuritypolicies"]),
    ("priorityclass", &["pc", "priorityclasses"]),
    ("replicaset", &["rs", "replicasets"]),
    ("replicationcontroller", &["rc", "replicationcontrollers"]),
    ("resourcequota", &["quota", "resourcequotas"]),
    ("service", &["svc", "services"]),
    ("serviceaccount", &["sa", "serviceaccounts"]),
    ("statefulset", &["sts", "statefulsets"]),
    ("storageclass", &["sc", "storageclasses"]),
];

/// The kind that a word of a command line names: `deploy`, `deployments.apps`, `Deployment`.
pub(crate) fn kind(word: &str) -> String {
    let name = word.split('.').next().unwrap_or(word).to_ascii_lowercase();
    let known = KINDS.iter().find(|(kind, others)| *kind == name || others.contains(&name.as_str()));
    match known {
        Some((kind, _)) => (*kind).to_owned(),
        None => name.strip_suffix('s').map(str::to_owned).unwrap_or(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_are_the_kind() {
        for (word, expected) in [
            ("po", "pod"),
            ("Pods", "pod"),
            ("deployments.v1.apps", "deployment"),
            ("netpol", "networkpolicy"),
            ("widgets", "widget"),
            ("secret", "secret"),
        ] {
            assert_eq!(kind(word), expected);
        }
        assert!(KINDS.is_sorted_by_key(|(kind, _)| kind));
    }
}
