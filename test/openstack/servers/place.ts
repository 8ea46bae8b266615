// Where the OpenStack servers of the tests stand: addresses, ports and logins.

/**
 * The address of all servers, on `lo` of the namespace that they run in. Not 127.0.0.1, so that a namespace that plays a
 * VM can reach them.
 */
export const cloudAddress = '192.0.2.10';

export const ports = {
  keystone: 5000,
  placement: 8778,
  neutron: 9696,
  nova: 8774,
  metadata: 8775,
  images: 9292,
} as const;

export const authUrl = `http://${cloudAddress}:${ports.keystone}/v3`;

/**
 * The region of every server. The catalog has a second one, {@link emptyRegion}, whose network endpoint nobody serves:
 * a client that takes the first endpoint of a list is found out.
 */
export const region = 'RegionOne';
export const emptyRegion = 'RegionTwo';

/** The cloud's administrator, in project `admin`. */
export const admin = { username: 'admin', password: 'admin-password', project: 'admin' } as const;
/** The user of the nodes, a member of project `k8s`. */
export const member = { username: 'cni', password: 'cni-password', project: 'k8s' } as const;
/** The password of the servers' own users. */
export const servicePassword = 'service-password';

/** The secret that Nova's metadata service shares with whoever forwards the requests of VMs. */
export const metadataSecret = 'metadata-secret';

/** The only image and the only flavor. */
export const imageId = '11111111-2222-4333-8444-555555555555';
export const flavorId = '2';

/** Where the files of a run stand. The paths of databases are in a database, so they are the same in every run. */
export const runFolder = '/run/orbweaver-openstack';
