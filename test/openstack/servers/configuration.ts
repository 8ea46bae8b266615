// The configuration files of the servers.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  authUrl,
  cloudAddress,
  metadataSecret,
  ports,
  region,
  runFolder as run,
  servicePassword,
} from './place.ts';

type Sections = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

/** What the tests change of a cloud. */
export interface CloudOptions {
  /** How many routes a router may have (`max_routes`). */
  readonly maximumRoutes: number;
  /** How many address pairs a port may have (`max_allowed_address_pair`). */
  readonly maximumAddressPairs: number;
  /** How many NICs the machine of a VM has slots for. */
  readonly maximumNics: number;
}

/** Writes them for servers that are unpacked in `root`. */
export function writeConfigurations(root: string, options: CloudOptions): void {
  for (const folder of ['etc', 'state', 'log', 'lock', 'nova/instances']) {
    mkdirSync(join(run, folder), { recursive: true });
  }
  // Keystone refuses keys that others may read.
  for (const folder of ['fernet', 'credential']) {
    mkdirSync(join(run, 'keys', folder), { recursive: true, mode: 0o700 });
  }
  const files = {
    keystone: keystone(),
    neutron: neutron(root, options),
    placement: placement(),
    nova: nova(root),
  };
  for (const [name, sections] of Object.entries(files))
    writeFileSync(configurationFile(name), iniOf(sections));
}

export const configurationFile = (server: string): string => join(run, 'etc', `${server}.conf`);

/** The databases, by name. */
export const databases = [
  'keystone',
  'neutron',
  'placement',
  'nova_api',
  'nova_cell0',
  'nova_cell1',
] as const;

export const databaseFile = (name: (typeof databases)[number]): string =>
  join(run, 'state', `${name}.sqlite`);
export const databaseUrl = (name: (typeof databases)[number]): string => `sqlite:///${databaseFile(name)}`;

const logOf = (server: string) => ({ log_file: join(run, 'log', `${server}.log`) });

/** How a server proves itself to Keystone, and to the others. */
const login = (username: string) => ({
  www_authenticate_uri: authUrl,
  auth_url: authUrl,
  auth_type: 'password',
  username,
  password: servicePassword,
  user_domain_id: 'default',
  project_domain_id: 'default',
  project_name: 'service',
  region_name: region,
});

const lockPath = { lock_path: join(run, 'lock') };

function keystone(): Sections {
  return {
    DEFAULT: logOf('keystone'),
    database: { connection: databaseUrl('keystone') },
    fernet_tokens: { key_repository: join(run, 'keys/fernet') },
    credential: { key_repository: join(run, 'keys/credential') },
    cache: { enabled: false },
    // The least that Keystone allows: the tests log in often.
    identity: { password_hash_rounds: 4 },
  };
}

function neutron(root: string, { maximumRoutes, maximumAddressPairs }: CloudOptions): Sections {
  return {
    DEFAULT: {
      ...logOf('neutron'),
      auth_strategy: 'keystone',
      bind_host: cloudAddress,
      bind_port: ports.neutron,
      // The main process serves the API. Messages to agents stay in it, and nobody reads them.
      api_workers: 0,
      rpc_workers: 0,
      rpc_state_report_workers: 0,
      transport_url: 'fake://',
      core_plugin: 'ml2',
      service_plugins: 'router,revisions,timestamp,tag,trunk',
      api_paste_config: join(root, 'usr/share/neutron-common/api-paste.ini'),
      state_path: join(run, 'state'),
      max_routes: maximumRoutes,
      max_allowed_address_pair: maximumAddressPairs,
      dhcp_agent_notification: false,
      notify_nova_on_port_status_changes: false,
      notify_nova_on_port_data_changes: false,
    },
    database: { connection: databaseUrl('neutron') },
    oslo_concurrency: lockPath,
    quotas: Object.fromEntries(
      ['port', 'network', 'subnet', 'router', 'floatingip'].map((name) => [`quota_${name}`, -1]),
    ),
    ml2: {
      type_drivers: 'local,flat,vlan,vxlan',
      tenant_network_types: 'vxlan,local',
      mechanism_drivers: 'openvswitch',
      extension_drivers: 'port_security,tag_ports_during_bulk_creation',
    },
    ml2_type_flat: { flat_networks: '*' },
    ml2_type_vxlan: { vni_ranges: '1:1000' },
    keystone_authtoken: login('neutron'),
  };
}

function placement(): Sections {
  return {
    DEFAULT: logOf('placement'),
    placement_database: { connection: databaseUrl('placement') },
    keystone_authtoken: login('placement'),
  };
}

function nova(root: string): Sections {
  return {
    DEFAULT: {
      ...logOf('nova'),
      host: 'fakehost',
      my_ip: cloudAddress,
      state_path: join(run, 'nova'),
      instances_path: join(run, 'nova/instances'),
      transport_url: 'fake://',
      // VMs exist for the API alone.
      compute_driver: 'fake.Machine',
      osapi_compute_listen: cloudAddress,
      metadata_listen: cloudAddress,
      osapi_compute_workers: 1,
      metadata_workers: 1,
      vif_plugging_is_fatal: false,
      vif_plugging_timeout: 0,
    },
    // Each file of tests has VMs of its own, and none deletes them.
    quota: { instances: -1, cores: -1, ram: -1 },
    wsgi: { api_paste_config: join(root, 'usr/share/nova-common/api-paste.ini') },
    api_database: { connection: databaseUrl('nova_api') },
    database: { connection: databaseUrl('nova_cell1') },
    oslo_concurrency: lockPath,
    conductor: { workers: 1 },
    cache: { enabled: false },
    key_manager: { backend: 'nova.keymgr.conf_key_mgr.ConfKeyManager' },
    glance: { endpoint_override: `http://${cloudAddress}:${ports.images}` },
    keystone_authtoken: login('nova'),
    placement: login('placement'),
    neutron: {
      ...login('neutron'),
      service_metadata_proxy: true,
      metadata_proxy_shared_secret: metadataSecret,
    },
  };
}

function iniOf(sections: Sections): string {
  return Object.entries(sections)
    .map(([name, values]) => {
      const lines = Object.entries(values).map(([key, value]) => `${key} = ${value}\n`);
      return `[${name}]\n${lines.join('')}`;
    })
    .join('\n');
}
