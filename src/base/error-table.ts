// Every error of the product in one table. `npm run gen` generates docs/errors.md from it.

/** One kind of failure. */
export interface ErrorKind {
  /** What it means, in one sentence. */
  readonly meaning: string;
  /** What the user can do. */
  readonly advice: string;
  /** The CNI error code (CNI specification 1.1, section "Error"). 100 and above are ours. */
  readonly cni: number;
}

/** By stable code. A code is never renamed, and never used again for another error. */
export const errorTable = {
  ADDRESS_CONFLICT: {
    meaning: 'Another machine on the network uses the address of a pod, or is about to use it.',
    advice:
      'Find the machine by the MAC address in the message, or reserve the address with a SpiderReservedIP.',
    cni: 11,
  },
  ADDRESS_REQUEST_TAKEN: {
    meaning: 'A pod requests an address that another pod or another machine uses.',
    advice:
      'Request another address, or end the user that the message names. The runtime repeats the request.',
    cni: 11,
  },
  ADDRESS_REQUEST_UNSERVED: {
    meaning: 'A pod requests an address that no pool may give to its interface.',
    advice:
      'The message names the field with the request, and the reason. Request an address of a pool that the interface uses, or let it use the pool of the address.',
    cni: 2,
  },
  AGENT_NOT_READY: {
    meaning: 'The agent cannot serve new pods yet, or it is stopping.',
    advice: 'Ask the agent at /v1/runtime/readiness: the answer says what it waits for.',
    cni: 50,
  },
  AGENT_SOCKET_TAKEN: {
    meaning: "Another agent runs on this node and uses the agent's socket.",
    advice: 'Run one agent per node, and stop the other agent first.',
    cni: 11,
  },
  AGENT_STARTING: {
    meaning: 'The agent has not read the cluster yet, and the caller stopped waiting for it.',
    advice: 'Wait and try again. If the error stays, check that the agent reaches the API server.',
    cni: 11,
  },
  AGENT_UNREACHABLE: {
    meaning: 'No agent answers on its socket.',
    advice:
      'Check that the agent of this node runs. Run the command as root, and name another socket with --socket. In a lab, run `orbctl lab exec node1 -- orbctl check`.',
    cni: 999,
  },
  ATTACHMENT_DAMAGED: {
    meaning: 'A file with the record of an attachment is damaged on the disk of the node.',
    advice: 'Check the disk. The agent renamed the file to `*.damaged`, in the same folder.',
    cni: 100,
  },
  CNI_CHECK_FAILED: {
    meaning: 'CHECK found that the kernel no longer has what ADD made.',
    advice: 'Compare the objects that the message names. `orbctl check` shows all differences of the node.',
    cni: 100,
  },
  CNI_ENVIRONMENT_INVALID: {
    meaning: 'A CNI_* environment variable is missing, or its form differs from the CNI specification.',
    advice: 'The container runtime sets these variables: check its version and its CNI configuration.',
    cni: 4,
  },
  CNI_CONF_FOREIGN: {
    meaning:
      "A file with the name of our CNI configuration is in the node's folder, and another program wrote it.",
    advice: 'Give our configuration another file name, or remove that file. The agent never replaces it.',
    cni: 100,
  },
  CNI_FOLDERS_DIFFER: {
    meaning: 'The container runtime looks for CNI files in other folders than the agent was told.',
    advice: 'Set the folders that the message names. docs/install-folders.md has those of each distribution.',
    cni: 100,
  },
  CNI_INPUT_UNDECODABLE: {
    meaning: 'The configuration on standard input, or an annotation, is not the expected JSON.',
    advice: 'Correct the JSON of the network configuration or of the annotation.',
    cni: 6,
  },
  CNI_NETNS_OWN: {
    meaning: "CNI_NETNS is the node's own network namespace.",
    advice: 'Pass the namespace of the pod. Set CNI_NETNS_OVERRIDE=1 if you mean the namespace of the node.',
    cni: 8,
  },
  CNI_POD_UNKNOWN: {
    meaning: 'CNI_ARGS does not say which pod the attachment belongs to.',
    advice:
      'Call the plugin from a container runtime of Kubernetes, or pass K8S_POD_NAMESPACE and K8S_POD_NAME.',
    cni: 4,
  },
  CNI_TYPE_UNKNOWN: {
    meaning: 'The agent serves no CNI type of this name.',
    advice: 'Correct `type` in the network configuration, or install the executables of this release.',
    cni: 7,
  },
  CNI_VERSION_UNSUPPORTED: {
    meaning:
      'The configuration requests a version of the CNI specification that the plugin does not support.',
    advice: 'Set cniVersion to one of the versions that the message lists.',
    cni: 1,
  },
  COORDINATOR_HOST_ROUTE_TAKEN: {
    meaning: "Another program's route is in the place of the node's route to the pod.",
    advice:
      'Remove the route that the message names. For a pod of the coordinator, you can also choose another `hostRuleTable`.',
    cni: 100,
  },
  COORDINATOR_LINK_TAKEN: {
    meaning:
      "A link that the coordinator or `veth-route` needs is missing in the pod, or another program's link has its name.",
    advice:
      'Check the plugins before `coordinator` in the CNI chain. Check also whether another plugin made the link.',
    cni: 100,
  },
  COORDINATOR_MODE_CONFLICT: {
    meaning: "The mode of this interface does not fit the mode of the pod's other interfaces.",
    advice:
      "Use mode auto. Otherwise use underlay with coordinator on the pod's first interface too, or overlay on later interfaces only.",
    cni: 2,
  },
  COORDINATOR_NOT_READY: {
    meaning: 'The networks of Services and overlay pods are not known yet.',
    advice: 'Check the status of the SpiderCoordinator named `default`.',
    cni: 11,
  },
  COORDINATOR_NO_ADDRESS: {
    meaning: 'The interface has no address, so the coordinator has nothing to do.',
    advice: 'Chain `coordinator` after a plugin with IPAM.',
    cni: 7,
  },
  COORDINATOR_ROUTE_TAKEN: {
    meaning: "A route of a pool or of the pod's annotation replaces the route from the pod to its node.",
    advice:
      'Remove the route that the message names from the SpiderIPPool or the annotation. Pods reach their node through veth0.',
    cni: 7,
  },
  DEADLINE_PASSED: {
    meaning: 'The caller stopped waiting before the request was finished.',
    advice: 'Look at /metrics of the agent: it shows the running and the waiting requests.',
    cni: 11,
  },
  DISK_FULL: {
    meaning: "The node's disk has no room for the record of an attachment.",
    advice:
      'Free space on the file system that the message names. DEL still works; new pods wait until there is space.',
    cni: 102,
  },
  FILE_DAMAGED: {
    meaning: 'One of our files on this node is damaged.',
    advice:
      'You need not do anything. The file is kept for inspection, and the agent reads the facts from the kernel and the API again.',
    cni: 100,
  },
  FRAME_DAMAGED: {
    meaning:
      'The CNI executable, the agent or the DEL queue delivered bytes that are not a frame of our protocol.',
    advice:
      'Check that the CNI executables and the agent are of the same release, or of two consecutive releases.',
    cni: 11,
  },
  GATEWAY_UNREACHABLE: {
    meaning: "The gateway of a pod's subnet does not answer on the pod's interface.",
    advice: 'Check `gateway` of the pool, the VLAN of the parent interface, and the gateway itself.',
    cni: 11,
  },
  GC_INCOMPLETE: {
    meaning: 'GC could not remove some attachments that the runtime no longer lists.',
    advice: 'Read the message of each attachment. The next GC tries again.',
    cni: 101,
  },
  IAAS_ANSWER_INVALID: {
    meaning: 'An answer of the IaaS provider does not have the form of its contract.',
    advice:
      'Check that iaasNetworkProvider.serverUrl leads to the provider, and not to a proxy. If it does, the provider must be corrected: docs/iaas-provider.md has the contract.',
    cni: 100,
  },
  IAAS_REFUSED: {
    meaning: 'The IaaS provider refuses to bind an address to a node, or to let it go.',
    advice:
      'Read the words of the provider in the message. Correct what it names in the cloud: the subnet, the NIC, or a limit.',
    cni: 11,
  },
  IAAS_UNREACHABLE: {
    meaning: 'The IaaS provider could not be asked, or did not answer in time.',
    advice:
      'Check that the provider runs, the network to iaasNetworkProvider.serverUrl, and the certificates that the message names.',
    cni: 11,
  },
  INPUT_INVALID: {
    meaning: 'A value does not have the form that its field asks for.',
    advice: 'Correct the field that the message names.',
    cni: 7,
  },
  INTERNAL: {
    meaning: 'The program broke one of its own rules: this is a bug.',
    advice: 'Report the error together with the log of the request.',
    cni: 999,
  },
  IPPOOL_EXHAUSTED: {
    meaning: 'None of the pools that an interface may use has a free address.',
    advice:
      'Add addresses to one of the pools that the message lists, or release some. The runtime repeats the request; the repeat waits up to 45 seconds for an address, so the pod starts soon after one is free.',
    cni: 11,
  },
  IPPOOL_INVALID: {
    meaning: 'The spec of a SpiderIPPool or SpiderReservedIP contradicts itself or cannot be read.',
    advice: 'Correct the fields that the message names.',
    cni: 7,
  },
  IPAM_CLAIM_IN_USE: {
    meaning: 'Another pod that lives uses the IPAMClaim that a network of the pod names.',
    advice: 'Delete the other pod, or give each pod a claim of its own. The runtime tries again.',
    cni: 11,
  },
  IPAM_CLAIM_NOT_FOUND: {
    meaning:
      'A network of the pod names an IPAMClaim (`ipam-claim-reference`), and the pod’s namespace has none of that name.',
    advice:
      'Create the IPAMClaim in the namespace of the pod. The cluster needs the CustomResourceDefinition `ipamclaims.k8s.cni.cncf.io` for it.',
    cni: 7,
  },
  IPPOOL_NOT_FOUND: {
    meaning:
      'An annotation or the CNI configuration names a pool that does not exist, or no pool is named at all.',
    advice:
      'Correct the name in the place that the message gives, or create the pool. If no pool is named, name one, or set `default: true` in a pool.',
    cni: 7,
  },
  IPPOOL_STATUS_INVALID: {
    meaning: 'The allocation records of a pool cannot be read.',
    advice:
      'Correct status.allocatedIPs of the pool by hand. Until then, the pool allocates and releases nothing.',
    cni: 11,
  },
  IPPOOL_UNSUITABLE: {
    meaning: 'No pool of one address family suits the interface.',
    advice: 'The message gives the reason for each pool. Change the pools or the choice of pools.',
    cni: 7,
  },
  KERNEL_LACKS: {
    meaning: "The node's kernel lacks a feature that the configuration needs.",
    advice:
      'Load the module that the message names, and list it in /etc/modules-load.d, so that it is there after a reboot. If the kernel has no such module, use another kernel.',
    cni: 100,
  },
  KERNEL_REFUSED: {
    meaning: 'The kernel refused a request of this program.',
    advice:
      "Read the kernel's own words at the end of the message. EPERM means missing privileges; EOPNOTSUPP means a kernel without the feature.",
    cni: 100,
  },
  KUBE_ALREADY_EXISTS: {
    meaning: 'An object of that name exists already.',
    advice: 'Choose another name, or delete the object first.',
    cni: 11,
  },
  KUBE_CONFLICT: {
    meaning: 'Another client changed the object in the meantime.',
    advice: 'Read it again and repeat the change.',
    cni: 11,
  },
  KUBE_EXPIRED: {
    meaning: 'The API server no longer keeps the requested version.',
    advice: 'You need not do anything. The list is read again.',
    cni: 11,
  },
  KUBE_FORBIDDEN: {
    meaning: 'The API server does not allow this identity to do the request.',
    advice: 'Check the credentials, and the RBAC rules of the service account.',
    cni: 11,
  },
  KUBE_INVALID: {
    meaning: 'The API server rejected an object or a request as invalid.',
    advice: 'Correct the field that its message names.',
    cni: 7,
  },
  KUBE_MALFORMED: {
    meaning: 'The API server sent an object that does not fit the schema of its kind.',
    advice:
      'Correct the object that the message names. Check also that the CustomResourceDefinitions are of this release.',
    cni: 11,
  },
  KUBE_NOT_FOUND: {
    meaning: 'The object does not exist.',
    advice: 'Check its name and namespace.',
    cni: 7,
  },
  KUBE_UNREACHABLE: {
    meaning: 'The API server does not answer, or it is too busy.',
    advice: 'Check that the API server runs and that the node reaches it. The request is repeated.',
    cni: 11,
  },
  LAB_COMMAND_FAILED: {
    meaning: 'A system program that the lab uses failed.',
    advice:
      "Read the program's own words in the message. The kernel may lack a feature, or a package may be missing.",
    cni: 999,
  },
  LAB_NOT_ROOT: {
    meaning: 'The lab makes network namespaces, and only root may make them.',
    advice: 'Run it as root.',
    cni: 999,
  },
  LAB_NOT_RUNNING: {
    meaning: 'No lab runs, or the running lab has no pod of that name.',
    advice: 'List running labs and their pods with `orbctl lab ls`, or start a lab with `npm run lab`.',
    cni: 999,
  },
  LAB_PLUGIN_FAILED: {
    meaning: 'A CNI plugin that a kubelet of the lab ran failed or does not exist.',
    advice: "Read the plugin's own words at the end of the message.",
    cni: 999,
  },
  LAB_STEP_FAILED: {
    meaning: 'A step of the lab failed, or the lab was stopped.',
    advice: 'Read the message, and the log if the message names one.',
    cni: 999,
  },
  MIGRATION_SOURCE_MISSING: {
    meaning: 'The cluster has no installation or network to migrate from.',
    advice:
      'Check with `kubectl config current-context` that this is the right cluster. Without another installation, install Orbweaver as docs/install.md says.',
    cni: 999,
  },
  MIGRATION_STEP_LATE: {
    meaning: 'A step of a migration did not end in time: pods still run, or are not ready.',
    advice:
      'Look at the pods that the message names, and run the same command again: it goes on where it was. `--timeout` gives it more time.',
    cni: 999,
  },
  NETNS_INVALID: {
    meaning: 'The path of a network namespace leads to something else.',
    advice: "Pass the path of the pod's network namespace in CNI_NETNS.",
    cni: 4,
  },
  NETNS_UNREACHABLE: {
    meaning: 'The file system with the path of a network namespace does not answer.',
    advice: 'Check the mount under the path. The request is repeated.',
    cni: 11,
  },
  NFTABLES_MISSING: {
    meaning: 'The library of nftables is not installed.',
    advice: 'Install libnftables.so.1. Its Debian package is libnftables1.',
    cni: 100,
  },
  OPENSTACK_CHANGED: {
    meaning: 'Another program changed a port of Neutron at the same time.',
    advice: 'Repeat the request. If the error stays, find the other program that writes this port.',
    cni: 11,
  },
  OPENSTACK_CONFIG_INVALID: {
    meaning:
      'The configuration of the cloud, as clouds.yaml or OS_* variables, lacks something or has a wrong value.',
    advice: 'Correct the field that the message names.',
    cni: 7,
  },
  OPENSTACK_CONFLICT: {
    meaning: 'OpenStack refuses a change because of another object, as an address that is taken.',
    advice: 'Read the words of the server in the message. Remove the other object, or ask for another one.',
    cni: 11,
  },
  OPENSTACK_ENDPOINT_UNCLEAR: {
    meaning:
      "Keystone's catalog has no endpoint of the service for this region and interface, or it has several.",
    advice:
      'Name the region (`region_name` or OS_REGION_NAME) and the interface (`interface` or OS_INTERFACE).',
    cni: 7,
  },
  OPENSTACK_FORBIDDEN: {
    meaning: 'The cloud does not allow the login to do this.',
    advice:
      'Use a login of the project that owns the object. On a network of another project, only its owner or an administrator may choose addresses.',
    cni: 100,
  },
  OPENSTACK_LOGIN_REFUSED: {
    meaning: 'Keystone refuses the login, or a service refuses the token twice.',
    advice:
      'Check user, project and password, or the application credential: is it of this cloud, and has it expired?',
    cni: 100,
  },
  OPENSTACK_MALFORMED: {
    meaning: 'An answer of the cloud does not have the form of its API.',
    advice: 'Check that the URL leads to the service, and not to a proxy. Report the message if it does.',
    cni: 100,
  },
  OPENSTACK_NIC_LATE: {
    meaning: 'Nova has attached a NIC to this VM, or detached one, and it did not come or go in time.',
    advice:
      'Look at the VM and its port in the cloud. The message says what is missing: the NIC on the node, or the port, which is not ACTIVE.',
    cni: 11,
  },
  OPENSTACK_NICS_FULL: {
    meaning: 'This VM has as many NICs as its machine can have.',
    advice:
      'Run fewer pods with a NIC of their own on this node, or give the VM more slots: another flavor, or more PCI root ports in its image or host.',
    cni: 11,
  },
  OPENSTACK_NODE_UNKNOWN: {
    meaning: 'It is not certain which port of Neutron a NIC of this node is.',
    advice:
      'Use a login that may see the port. Name its network: `neutronConf.networks` of a network configuration, or --network of orbctl.',
    cni: 100,
  },
  OPENSTACK_NOT_FOUND: {
    meaning: 'OpenStack has no such object, or does not show it to this login.',
    advice: 'Check the id in the message, and the project of the login.',
    cni: 100,
  },
  OPENSTACK_PAIRS_FULL: {
    meaning: 'A port of Neutron has as many allowed address pairs as it may have.',
    advice:
      'Add one pair to the port that is a CIDR, and covers the addresses of the pods: then no pod needs a pair of its own. Or ask the operators of the cloud for a higher `max_allowed_address_pair`.',
    cni: 11,
  },
  OPENSTACK_PORT_BUSY: {
    meaning: 'Another process of this node writes the same port of Neutron, and does not end.',
    advice: 'Run one agent per node. Find the process that holds the lock file in the message.',
    cni: 11,
  },
  OPENSTACK_QUOTA: {
    meaning: 'The project has used up a quota of the cloud.',
    advice: 'Remove what is not needed, or ask the operators of the cloud for a higher quota.',
    cni: 11,
  },
  OPENSTACK_REFUSED: {
    meaning: 'OpenStack refuses a request as wrong.',
    advice:
      'Read the words of the server in the message. With the id of the request, operators find it in their logs.',
    cni: 100,
  },
  OPENSTACK_ROUTES_FULL: {
    meaning: 'A router of Neutron has as many static routes as it may have.',
    advice:
      'Give each node a pool of its own, so that a few routes lead to all of its pods. Or remove routes that are not needed, or ask the operators of the cloud for a higher `max_routes`.',
    cni: 11,
  },
  OPENSTACK_SUBNET_FULL: {
    meaning: 'A subnet of Neutron has no free address.',
    advice: 'Add allocation pools or a subnet, or remove ports that are not needed.',
    cni: 11,
  },
  OPENSTACK_UNREACHABLE: {
    meaning: 'A service of the cloud could not be asked.',
    advice: 'Check the network to the URL in the message, the CA certificate, and whether the service runs.',
    cni: 11,
  },
  PARENT_LINK_UNUSABLE: {
    meaning: 'An interface that `ifacer` makes or uses is missing, has another type, or is in use.',
    advice:
      'Correct `interfaces`, `vlanID` or `bond` of the configuration, or the interface that the message names.',
    cni: 100,
  },
  ENI_VLAN_TAKEN: {
    meaning: 'Another interface has the VLAN that a pod shall get on a NIC of the node.',
    advice:
      'Delete the interface that the message names, or its pod. If that pod is ending, wait: the runtime repeats the request.',
    cni: 11,
  },
  ENI_VLAN_UNCHOSEN: {
    meaning: 'The source of addresses named no VLAN for an interface of type `eni-vlan`.',
    advice:
      'This type needs a network provider that chooses VLAN and MAC address of each pod. Set one up, or use type `vlan` with an id of your own.',
    cni: 100,
  },
  HOST_DEVICE_UNUSABLE: {
    meaning: 'The NIC of the node that a pod shall get is missing, or is in use.',
    advice:
      'Name a NIC that has no address, no route and no link on it: `device`, `hwaddr`, `kernelpath` or `pciBusID` of the configuration.',
    cni: 11,
  },
  NODE_FILES_NOT_PUT: {
    meaning: 'The agent cannot put its CNI executables or its CNI configuration into a folder of the node.',
    advice:
      "Read the system's own words at the end of the message. Mount the folder writable; docs/install-folders.md says which. The agent tries again.",
    cni: 100,
  },
  POD_DEAD: {
    meaning: 'The pod is ending or has ended, so it gets no addresses.',
    advice: 'You need not do anything. The runtime removes the sandbox.',
    cni: 11,
  },
  POD_UNKNOWN: {
    meaning: 'The API server has no such pod, or has another pod of that name.',
    advice: 'Check K8S_POD_NAMESPACE, K8S_POD_NAME and K8S_POD_UID in CNI_ARGS.',
    cni: 4,
  },
  PROBE_FAILED: {
    meaning: 'Probes for a conflict or for the gateway could not be sent on the interface of a pod.',
    advice: 'Check that the parent interface is up and has a carrier.',
    cni: 11,
  },
  MEMORY_NEAR_LIMIT: {
    meaning: 'The agent uses nearly all memory that its container may use. At the limit the kernel kills it.',
    advice:
      'Raise the memory limit of the agent (docs/images.md says what it needs). If its memory grows without end, report it.',
    cni: 11,
  },
  REQUEST_STUCK: {
    meaning: 'An earlier request of the same pod does not end, so the agent cannot start this one.',
    advice:
      "Find the request in the agent's log: the line has its plugin and its pod. Restart the agent of this node to end the request; a DEL is then repeated.",
    cni: 11,
  },
  SOCKET_SERVICES_OFF: {
    meaning:
      'serviceMode is ebpf, and Services are not served in socket calls of the node. kube-proxy serves them.',
    advice: 'The message says why. docs/services-in-socket-calls.md says what is needed.',
    cni: 100,
  },
  SUBNET_INVALID: {
    meaning: 'The spec or the status of a SpiderSubnet cannot be read.',
    advice:
      'Repair the field that the message names. If it is `status.controlledIPPools`, empty it: it is made anew from the pools.',
    cni: 11,
  },
  TRACE_NO_FAMILY: {
    meaning: 'The two ends of a trace share no address family, or not the requested one.',
    advice: 'Leave `--family` out, or name an address that the other end can reach.',
    cni: 999,
  },
  TRACE_OUT_OF_SIGHT: {
    meaning: 'A command cannot look into the network namespace of a pod from here.',
    advice: 'Run it on the node of the pod, as root.',
    cni: 999,
  },
  TRACE_UNKNOWN: {
    meaning: 'No place, or more than one, has the name or port that `orbctl trace` was given.',
    advice: 'Write NAMESPACE/NAME. If several have the name, write `pod:`, `service:` or `node:` before it.',
    cni: 999,
  },
  VETH_ROUTE_ADDRESS_ON_NODE: {
    meaning:
      'An interface of the node has the address of the pod, so the node would keep the packets of the pod.',
    advice:
      'Remove the address from the interface that the message names. Cloud-init or DHCP may have added it: give the node a static address.',
    cni: 100,
  },
  VETH_ROUTE_DEFAULT_TAKEN: {
    meaning:
      'Another NIC of the pod has its default route already. All traffic of type `veth-route` needs it.',
    advice: "Use `veth-route` for the pod's first NIC.",
    cni: 100,
  },
  WEBHOOK_SECRET_FOREIGN: {
    meaning: 'The Secret for the certificates of the webhooks exists, and another program made it.',
    advice: 'Rename or delete that Secret. The controller then makes its own one.',
    cni: 100,
  },
  WEBHOOK_SECRET_INVALID: {
    meaning: 'The Secret with the certificates of the webhooks cannot be read.',
    advice:
      'The controller replaces its own Secret by a new one. A Secret that you gave it must have ca.crt, tls.crt and tls.key for its Service.',
    cni: 100,
  },
} as const satisfies Record<string, ErrorKind>;

/** A stable error code. */
export type ErrorCode = keyof typeof errorTable;
