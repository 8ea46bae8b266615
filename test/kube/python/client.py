"""The official Python client at work: client.py CHECK runs one of the checks below, and fails by an exception."""

import sys

from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException
from kubernetes.dynamic import DynamicClient

config.load_kube_config()
core = client.CoreV1Api()
apps = client.AppsV1Api()


def version():
    code = client.VersionApi().get_code()
    assert code.major == "1" and code.git_version.startswith("v1."), code


def nodes():
    name = "python"
    core.create_node(client.V1Node(metadata=client.V1ObjectMeta(name=name)))
    condition = {"type": "Ready", "status": "True", "reason": "Up", "message": "up"}
    core.patch_node_status(name, {"status": {"conditions": [condition], "capacity": {"cpu": "2"}}})
    found = {node.metadata.name: node for node in core.list_node().items}
    assert found[name].status.conditions[0].type == "Ready", found
    assert found[name].status.capacity["cpu"] == "2", found
    core.delete_node(name)


def kinds():
    groups = [group.name for group in client.ApisApi().get_api_versions().groups]
    assert "apps" in groups, groups
    for api in (client.CoreV1Api(), client.AppsV1Api(), client.RbacAuthorizationV1Api()):
        assert len(api.get_api_resources().resources) > 0
    core.list_pod_for_all_namespaces()
    core.list_service_for_all_namespaces()
    core.list_event_for_all_namespaces()
    core.list_namespace(limit=1)
    apps.list_deployment_for_all_namespaces()
    client.CoordinationV1Api().list_lease_for_all_namespaces()
    client.DiscoveryV1Api().list_endpoint_slice_for_all_namespaces()
    client.ApiextensionsV1Api().list_custom_resource_definition()


def watches():
    settings = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="watched"), data={"a": "1"})
    begun = core.list_namespaced_config_map("default").metadata.resource_version
    core.create_namespaced_config_map("default", settings)
    settings.data["a"] = "2"
    core.replace_namespaced_config_map("watched", "default", settings)
    core.delete_namespaced_config_map("watched", "default")
    seen = []
    events = watch.Watch().stream(
        core.list_namespaced_config_map, "default", resource_version=begun, timeout_seconds=20
    )
    for event in events:
        if event["object"].metadata.name == "watched":
            seen.append((event["type"], event["object"].data["a"]))
        if event["type"] == "DELETED":
            break
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")], seen


def patches():
    labels = {"app": "patched"}
    containers = [client.V1Container(name="a", image="example.com/a:1"), client.V1Container(name="b", image="example.com/b:1")]
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=containers)
    )
    spec = client.V1DeploymentSpec(selector=client.V1LabelSelector(match_labels=labels), template=template)
    made = client.V1Deployment(metadata=client.V1ObjectMeta(name="patched"), spec=spec)
    apps.create_namespaced_deployment("default", made)

    def images(deployment):
        return [container.image for container in deployment.spec.template.spec.containers]

    def containers_patch(name, image):
        return {"spec": {"template": {"spec": {"containers": [{"name": name, "image": image}]}}}}

    # A dictionary is a strategic merge patch: the other container stays.
    changed = apps.patch_namespaced_deployment("patched", "default", containers_patch("a", "example.com/a:2"))
    assert images(changed) == ["example.com/a:2", "example.com/b:1"], changed
    # A list is a JSON patch.
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 3}]
    assert apps.patch_namespaced_deployment("patched", "default", operations).spec.replicas == 3
    scale = apps.patch_namespaced_deployment_scale("patched", "default", {"spec": {"replicas": 5}})
    assert scale.spec.replicas == 5, scale
    apps.delete_namespaced_deployment("patched", "default")


def custom():
    group, plural = "farm.example.com", "cows"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = client.V1CustomResourceDefinitionVersion(
        name="v1", served=True, storage=True, schema=client.V1CustomResourceValidation(open_apiv3_schema=schema)
    )
    names = client.V1CustomResourceDefinitionNames(plural=plural, singular="cow", kind="Cow")
    spec = client.V1CustomResourceDefinitionSpec(group=group, scope="Namespaced", names=names, versions=[version])
    metadata = client.V1ObjectMeta(name=f"{plural}.{group}")
    definitions = client.ApiextensionsV1Api()
    definitions.create_custom_resource_definition(client.V1CustomResourceDefinition(metadata=metadata, spec=spec))
    for event in watch.Watch().stream(definitions.list_custom_resource_definition, timeout_seconds=20):
        conditions = event["object"].status.conditions or [] if event["object"].status else []
        if event["object"].metadata.name == metadata.name and any(
            it.type == "Established" and it.status == "True" for it in conditions
        ):
            break
    cows = client.CustomObjectsApi()
    cow = {"apiVersion": f"{group}/v1", "kind": "Cow", "metadata": {"name": "rosa"}, "spec": {"milk": 1, "name": "Rosa"}}
    cows.create_namespaced_custom_object(group, "v1", "default", plural, cow)
    merge = {"spec": {"milk": 2, "name": None}}
    changed = cows.patch_namespaced_custom_object(group, "v1", "default", plural, "rosa", merge)
    assert changed["spec"] == {"milk": 2}, changed
    # The dynamic client finds the kind by discovery.
    kind = DynamicClient(client.ApiClient()).resources.get(api_version=f"{group}/v1", kind="Cow")
    operations = [{"op": "test", "path": "/spec/milk", "value": 2}, {"op": "add", "path": "/spec/milk", "value": 3}]
    json_patch = {"content_type": "application/json-patch+json"}
    changed = kind.patch(operations, name="rosa", namespace="default", **json_patch)
    assert changed.spec.to_dict() == {"milk": 3}, changed
    apply = {"field_manager": "python", "force_conflicts": True}
    cow["spec"] = {"milk": 4}
    changed = kind.server_side_apply(cow, name="rosa", namespace="default", **apply)
    assert changed.spec.to_dict() == {"milk": 4}, changed
    kind.delete(name="rosa", namespace="default")
    definitions.delete_custom_resource_definition(metadata.name)


def refusals():
    try:
        core.read_namespaced_config_map("nobody", "default")
    except ApiException as refused:
        assert refused.status == 404 and "NotFound" in refused.body, refused
    else:
        raise AssertionError("an object that is not there was read")


checks = {check.__name__: check for check in (version, nodes, kinds, watches, patches, custom, refusals)}
checks[sys.argv[1]]()
