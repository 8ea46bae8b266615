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
    meaning: 'Another machine on the network uses, or is about to use, an address that a pod was given.',
    advice:
      'Find the machine by the MAC address in the message, or take the address out of the pool (SpiderReservedIP).',
    cni: 11,
  },
  ADDRESS_REQUEST_UNSERVED: {
    meaning: 'A pod asks for particular addresses, which this release cannot give.',
    advice:
      'Leave the field out that the message names; a pool of the one address, named by `ipam.spidernet.io/ippool`, gives it.',
    cni: 2,
  },
  AGENT_NOT_READY: {
    meaning: 'The agent cannot serve new pods yet, or not any more.',
    advice: 'Look at the agent: /v1/runtime/readiness says what it waits for.',
    cni: 50,
  },
  AGENT_SOCKET_TAKEN: {
    meaning: "Another agent runs on this node and serves the agent's socket.",
    advice: 'Run one agent per node; end the other one first.',
    cni: 11,
  },
  AGENT_STARTING: {
    meaning: 'The agent has not read the cluster yet, and the caller stopped waiting for it.',
    advice: 'Wait; if it lasts, look whether the agent reaches the API server.',
    cni: 11,
  },
  AGENT_UNREACHABLE: {
    meaning: 'No agent answers on its socket.',
    advice:
      'Look whether the agent of this node runs, ask as root, and name its socket with --socket where it has another. In a lab: `orbctl lab exec node1 -- orbctl check`.',
    cni: 999,
  },
  ATTACHMENT_DAMAGED: {
    meaning: 'A file in which the node remembers an attachment is not what was written.',
    advice: 'It was set aside next to the others with `.damaged`; look at the disk.',
    cni: 100,
  },
  CNI_CHECK_FAILED: {
    meaning: 'What CHECK found in the kernel is not what ADD made.',
    advice: 'Compare the objects that the message names; `orbctl check` shows the whole node.',
    cni: 100,
  },
  CNI_ENVIRONMENT_INVALID: {
    meaning:
      'A CNI_* environment variable is missing or does not have the form that the CNI specification gives.',
    advice: 'The container runtime sets these variables: check its version and its CNI configuration.',
    cni: 4,
  },
  CNI_INPUT_UNDECODABLE: {
    meaning: 'The configuration on standard input, or an annotation, is not the JSON that it should be.',
    advice: 'Correct the JSON of the network configuration.',
    cni: 6,
  },
  CNI_NETNS_OWN: {
    meaning: "CNI_NETNS is the node's own network namespace.",
    advice: 'Pass the namespace of the pod, or set CNI_NETNS_OVERRIDE=1 where this is meant.',
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
    meaning: 'The configuration asks for a version of the CNI specification that the plugin does not speak.',
    advice: 'Set cniVersion to one of the versions that the message lists.',
    cni: 1,
  },
  COORDINATOR_HOST_ROUTE_TAKEN: {
    meaning: 'The node has a route of another program where its route to the pod should be.',
    advice: 'Remove the route that the message names, or choose another `hostRuleTable`.',
    cni: 100,
  },
  COORDINATOR_LINK_TAKEN: {
    meaning:
      'A link that the coordinator needs is missing in the pod, or its name is taken by a link of somebody else.',
    advice: 'Check the plugins before `coordinator` in the CNI chain, and whether another one made the link.',
    cni: 100,
  },
  COORDINATOR_MODE_CONFLICT: {
    meaning: 'The mode of this interface does not go with what serves the other interfaces of the pod.',
    advice:
      "Use mode auto, or underlay with coordinator on the pod's first interface too, or overlay on none but later ones.",
    cni: 2,
  },
  COORDINATOR_NOT_READY: {
    meaning: 'The networks of Services and overlay pods are not known yet.',
    advice: 'Check the SpiderCoordinator named default and its status.',
    cni: 11,
  },
  COORDINATOR_NO_ADDRESS: {
    meaning: 'The interface has no address that the coordinator could serve.',
    advice: 'Chain `coordinator` after a plugin with IPAM.',
    cni: 7,
  },
  COORDINATOR_ROUTE_TAKEN: {
    meaning: "A route of a pool or of the pod's annotation is in the place of the route to the pod's node.",
    advice:
      'Take the route that the message names out of the SpiderIPPool or the annotation: pods reach their node through veth0.',
    cni: 7,
  },
  DEADLINE_PASSED: {
    meaning: 'The caller stopped waiting before the request was done.',
    advice: 'Look at the agent for what it was busy with: /metrics shows running and waiting requests.',
    cni: 11,
  },
  DISK_FULL: {
    meaning: "There is no room for what the agent must remember of an attachment on the node's disk.",
    advice:
      'Make room on the file system that the message names. DEL goes on without; new pods wait until there is room.',
    cni: 102,
  },
  FILE_DAMAGED: {
    meaning: 'A file of ours on this node is not as it was written.',
    advice: 'Nothing: it is kept aside for inspection, and its facts are taken from the kernel and the API.',
    cni: 100,
  },
  FRAME_DAMAGED: {
    meaning:
      'What came over the socket between the CNI executable and the agent, or lay in the DEL queue, is no frame.',
    advice:
      'Check that the executables in the CNI folder and the agent are of releases that follow one another.',
    cni: 11,
  },
  GATEWAY_UNREACHABLE: {
    meaning: "The gateway of a pod's subnet does not answer on the pod's interface.",
    advice: 'Check `gateway` of the pool, the VLAN of the parent interface, and the gateway itself.',
    cni: 11,
  },
  GC_INCOMPLETE: {
    meaning: 'Some attachments that the runtime does not know any more could not be removed.',
    advice: 'Look at the message for each; the next GC tries again.',
    cni: 101,
  },
  INPUT_INVALID: {
    meaning: 'A value does not have the form that its field asks for.',
    advice: 'Correct the field that the message names.',
    cni: 7,
  },
  INTERNAL: {
    meaning: 'A rule of the program itself was broken.',
    advice: 'Report it with the log of the request.',
    cni: 999,
  },
  IPPOOL_EXHAUSTED: {
    meaning: 'None of the pools that an interface may use has a free address.',
    advice:
      'Add addresses to one of the pools that the message lists, or release some; the request is repeated.',
    cni: 11,
  },
  IPPOOL_INVALID: {
    meaning: 'The spec of a SpiderIPPool or SpiderReservedIP contradicts itself or cannot be read.',
    advice: 'Correct the fields that the message names.',
    cni: 7,
  },
  IPPOOL_NOT_FOUND: {
    meaning:
      'An annotation or the CNI configuration names a pool that does not exist, or no pool is named at all.',
    advice:
      'Correct the name where the message says it stands, or create the pool. Where none is named, name one, or give a pool `default: true`.',
    cni: 7,
  },
  IPPOOL_STATUS_INVALID: {
    meaning: 'The records of who holds which address of a pool cannot be read.',
    advice:
      'Correct status.allocatedIPs of the pool by hand; until then nothing is taken from it or given back.',
    cni: 11,
  },
  IPPOOL_UNSUITABLE: {
    meaning: 'All pools of one address family that an interface may use were ruled out.',
    advice: 'The message gives the reason for each pool: change the pools or the choice of pools.',
    cni: 7,
  },
  KERNEL_LACKS: {
    meaning: "The node's kernel does not have what the configuration asks for.",
    advice: 'Load the module that the message names, or use a kernel that has it.',
    cni: 100,
  },
  KERNEL_REFUSED: {
    meaning: 'The kernel refused what we asked of it.',
    advice:
      "The message ends with the kernel's own words; EPERM means missing privileges, EOPNOTSUPP a kernel without the feature.",
    cni: 100,
  },
  KUBE_ALREADY_EXISTS: {
    meaning: 'An object of that name exists already.',
    advice: 'Choose another name, or delete the object first.',
    cni: 11,
  },
  KUBE_CONFLICT: {
    meaning: 'The object was changed by someone else in the meantime.',
    advice: 'Read it again and repeat the change.',
    cni: 11,
  },
  KUBE_EXPIRED: {
    meaning: 'The API server no longer keeps the state that was asked for.',
    advice: 'Nothing: the list is read anew.',
    cni: 11,
  },
  KUBE_FORBIDDEN: {
    meaning: 'The API server does not let this identity do that.',
    advice: 'Check the credentials, and the RBAC rules of the service account.',
    cni: 11,
  },
  KUBE_INVALID: {
    meaning: 'The API server rejected an object or a request as invalid.',
    advice: 'Correct what its message names.',
    cni: 7,
  },
  KUBE_MALFORMED: {
    meaning: 'The API server sent something that does not fit its kind.',
    advice:
      'Correct the object that the message names; check that the CustomResourceDefinitions are of this release.',
    cni: 11,
  },
  KUBE_NOT_FOUND: {
    meaning: 'The object does not exist.',
    advice: 'Check its name and namespace.',
    cni: 7,
  },
  KUBE_UNREACHABLE: {
    meaning: 'The API server does not answer, or is too busy to serve us.',
    advice: 'Check that it runs and that the node reaches it; the request is repeated.',
    cni: 11,
  },
  LAB_COMMAND_FAILED: {
    meaning: 'A program of the system that the lab is built with failed.',
    advice:
      "Read the program's own words in the message; the kernel may lack a feature or a package may be missing.",
    cni: 999,
  },
  LAB_NOT_ROOT: {
    meaning: 'The lab makes network namespaces, which root alone may do.',
    advice: 'Run it as root.',
    cni: 999,
  },
  LAB_NOT_RUNNING: {
    meaning: 'No running lab, or no pod of that name in one.',
    advice: '`orbctl lab ls` lists running labs and their pods; `npm run lab` starts one.',
    cni: 999,
  },
  LAB_PLUGIN_FAILED: {
    meaning: 'A CNI plugin that a kubelet of the lab ran failed, or is not there.',
    advice: "Read the plugin's own words at the end of the message.",
    cni: 999,
  },
  LAB_STEP_FAILED: {
    meaning: 'The lab did not come up as far as it should.',
    advice: 'Read the log that the message names.',
    cni: 999,
  },
  NETNS_INVALID: {
    meaning: 'The path that should lead to a network namespace leads to something else.',
    advice: "Pass the path of the pod's network namespace in CNI_NETNS.",
    cni: 4,
  },
  NETNS_UNREACHABLE: {
    meaning: 'The file system in which the path of a network namespace lies does not answer.',
    advice: 'Look at the mount that the path leads through; the request is repeated.',
    cni: 11,
  },
  NFTABLES_MISSING: {
    meaning: 'The library of nftables is not on this machine.',
    advice: 'Install libnftables.so.1: the Debian package is libnftables1.',
    cni: 100,
  },
  PARENT_LINK_UNUSABLE: {
    meaning:
      'An interface that `ifacer` would make or build on is missing, taken by something else, or in use.',
    advice:
      'Correct `interfaces`, `vlanID` or `bond` of the configuration, or the interface that the message names.',
    cni: 100,
  },
  POD_DEAD: {
    meaning: 'The pod ends or has ended: it gets no addresses any more.',
    advice: 'Nothing: the runtime removes the sandbox.',
    cni: 11,
  },
  POD_UNKNOWN: {
    meaning: 'The API server has no such pod, or another one of that name.',
    advice: 'Check K8S_POD_NAMESPACE, K8S_POD_NAME and K8S_POD_UID in CNI_ARGS.',
    cni: 4,
  },
  PROBE_FAILED: {
    meaning: 'Probes for a conflict or for the gateway could not be sent on the interface of a pod.',
    advice: 'Check that the parent interface is up and has a carrier.',
    cni: 11,
  },
  TRACE_NO_FAMILY: {
    meaning: 'The two ends of a trace have no address family in common, or not the one that was asked for.',
    advice: 'Leave `--family` out, or name an address that the other end can reach.',
    cni: 999,
  },
  TRACE_OUT_OF_SIGHT: {
    meaning: 'The place where a trace begins cannot be looked into from here.',
    advice: 'Run `orbctl trace` on the node of the pod, as root.',
    cni: 999,
  },
  TRACE_UNKNOWN: {
    meaning: 'A name or port given to `orbctl trace` is that of nothing, or of several things.',
    advice: 'Write NAMESPACE/NAME, and `pod:`, `service:` or `node:` before it where several have the name.',
    cni: 999,
  },
} as const satisfies Record<string, ErrorKind>;

/** A stable error code. */
export type ErrorCode = keyof typeof errorTable;
