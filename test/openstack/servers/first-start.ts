// What a new cloud gets once: tables, users, projects, the catalog, one flavor.

import type { Cloud } from './cloud.ts';
import { databaseFile, databases, databaseUrl } from './configuration.ts';
import {
  admin,
  authUrl,
  cloudAddress,
  emptyRegion,
  flavorId,
  member,
  ports,
  region,
  servicePassword,
} from './place.ts';

/** Fills the databases of a cloud that has none, and stops its servers. */
export async function firstStart(cloud: Cloud): Promise<void> {
  makeTables(cloud);
  await cloud.start(['keystone', 'placement', 'neutron']);
  await fillKeystone();
  await cloud.start(['nova']);
  cloud.manage('nova-manage', 'cell_v2', 'discover_hosts');
  const flavor = { name: 'small', ram: 64, vcpus: 1, disk: 1, id: flavorId };
  await ask('POST', `http://${cloudAddress}:${ports.nova}/v2.1/flavors`, await adminToken(), { flavor });
  await cloud.stop();
}

function makeTables(cloud: Cloud): void {
  cloud.manage('keystone-manage', 'db_sync');
  for (const keys of ['fernet', 'credential']) {
    cloud.manage('keystone-manage', `${keys}_setup`, '--keystone-user', 'root', '--keystone-group', 'root');
  }
  const urls = ['public', 'internal', 'admin'].flatMap((name) => [`--bootstrap-${name}-url`, authUrl]);
  const password = ['--bootstrap-password', admin.password, '--bootstrap-region-id', region];
  cloud.manage('keystone-manage', 'bootstrap', ...password, ...urls);
  cloud.runOwn('neutron_schema.py', databaseUrl('neutron'));
  cloud.manage('placement-manage', 'db', 'sync');
  cloud.manage('nova-manage', 'api_db', 'sync');
  const cells = ['cell_v2', 'map_cell0', '--database_connection', databaseUrl('nova_cell0')];
  cloud.manage('nova-manage', ...cells);
  cloud.manage('nova-manage', 'db', 'sync');
  const cell = ['--name', 'cell1', '--database_connection', databaseUrl('nova_cell1')];
  cloud.manage('nova-manage', 'cell_v2', 'create_cell', ...cell, '--transport-url', 'fake://');
  cloud.runOwn('journal.py', ...databases.map(databaseFile));
}

async function fillKeystone(): Promise<void> {
  const token = await adminToken();
  const post = async (kind: string, fields: Readonly<Record<string, unknown>>) => {
    const answer = await ask('POST', `${authUrl}/${kind}s`, token, { [kind]: fields });
    return (answer as Record<string, { id: string }>)[kind]?.id ?? '';
  };
  const roles = (await ask('GET', `${authUrl}/roles`, token)) as { roles: { name: string; id: string }[] };
  const roleOf = (name: string) => roles.roles.find((role) => role.name === name)?.id ?? '';
  const addUser = async (name: string, password: string, project: string, role: string) => {
    const user = await post('user', { name, password, domain_id: 'default' });
    await ask('PUT', `${authUrl}/projects/${project}/users/${user}/roles/${roleOf(role)}`, token);
  };
  const services = await post('project', { name: 'service', domain_id: 'default' });
  for (const name of ['neutron', 'nova', 'placement']) {
    await addUser(name, servicePassword, services, 'admin');
  }
  const project = await post('project', { name: member.project, domain_id: 'default' });
  await addUser(member.username, member.password, project, 'member');

  await post('region', { id: emptyRegion });
  const urls = {
    network: `http://${cloudAddress}:${ports.neutron}`,
    compute: `http://${cloudAddress}:${ports.nova}/v2.1`,
    placement: `http://${cloudAddress}:${ports.placement}`,
  };
  for (const [type, url] of Object.entries(urls)) {
    const service_id = await post('service', { type, name: type });
    for (const name of ['public', 'internal', 'admin']) {
      await post('endpoint', { service_id, interface: name, region_id: region, url });
    }
    const nowhere = `http://${cloudAddress}:9`;
    if (type === 'network') {
      await post('endpoint', { service_id, interface: 'public', region_id: emptyRegion, url: nowhere });
    }
  }
}

async function adminToken(): Promise<string> {
  const { username: name, password, project } = admin;
  const domain = { id: 'default' };
  const identity = { methods: ['password'], password: { user: { name, domain, password } } };
  const answer = await fetch(`${authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity, scope: { project: { name: project, domain } } } }),
  });
  const token = answer.headers.get('x-subject-token');
  if (token === null) throw new Error(`Keystone answered ${answer.status}: ${await answer.text()}`);
  return token;
}

async function ask(method: string, url: string, token: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', 'x-auth-token': token },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url} was answered with ${answer.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
