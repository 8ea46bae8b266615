// The login that a network configuration names beside that of the agent.

import type { NeutronIpam } from '#api';
import { OrbError } from '#base';
import type { CloudConfig } from '#openstack';

/**
 * The agent has one login. A configuration of the older plugin may still say which one it means: then it must be this
 * one. Throws INPUT_INVALID with the field that differs.
 */
export function refuseOtherLogin(
  { openstackConf }: Pick<NeutronIpam, 'openstackConf'>,
  { source, authUrl, login }: CloudConfig,
): void {
  const nameOf = (named: object): string | undefined => ('name' in named ? String(named.name) : undefined);
  const own: Readonly<Record<'username' | 'project' | 'domain' | 'authUrl', string | undefined>> = {
    authUrl: withoutVersion(authUrl.href),
    ...(login.kind === 'password'
      ? {
          username: nameOf(login.user),
          project: nameOf(login.project),
          domain: 'domain' in login.user ? nameOf(login.user.domain) : undefined,
        }
      : { username: undefined, project: undefined, domain: undefined }),
  };
  for (const field of ['authUrl', 'username', 'project', 'domain'] as const) {
    const given = openstackConf[field];
    const has = own[field];
    const said = field === 'authUrl' ? withoutVersion(String(given)) : String(given);
    // Names of domains are not told apart by case, and their ids are words, as `default` of the domain `Default`.
    if (has === undefined || given === undefined || has.toLowerCase() === said.toLowerCase()) continue;
    const message = `network configuration: ipam.openstackConf.${field} is ${JSON.stringify(given)}, and the login of the agent (${source}) has ${JSON.stringify(has)}`;
    throw new OrbError('INPUT_INVALID', { message, subject: `ipam.openstackConf.${field}` });
  }
}

const withoutVersion = (url: string): string => url.replace(/\/+$/, '').replace(/\/v3$/, '');
