// The work of `orbctl openstack check`: reads the cloud, and prints what keeps pods from having addresses.

import { OrbError, systemClock } from '#base';
import { parseAddress, parseNetwork } from '#ip';
import type { KubeClient } from '#kube';
import type { NetworkNamespace } from '#net';
import {
  type CloudClient,
  driveDocument,
  type FoundIdentity,
  findIdentity,
  metadataDocument,
  type NodeNic,
  ownNic,
} from '#openstack';
import { cloudFindings, type NodeInCloud, routerFindings } from '#plan/openstack';
import type { Paint } from '#program';
import type { OpenStackCheckFlags } from '../openstack.ts';
import { checkedRouters } from './checked-routers.ts';
import { checkWire, type WireCheck } from './wire-check.ts';

export interface OpenStackRun {
  readonly text: string;
  /** 1 if there is something to mend. */
  readonly exitCode: 0 | 1;
}

/** Throws the errors of the cloud, and OPENSTACK_NODE_UNKNOWN. */
export async function runOpenStackCheck(
  client: CloudClient,
  namespace: NetworkNamespace,
  flags: OpenStackCheckFlags,
  paint: Paint,
  kube: () => KubeClient,
): Promise<OpenStackRun> {
  const podNetworks = (flags.pods ?? []).map(parseNetwork);
  const nic = ownNic(namespace, flags.interface);
  const { configDrive } = flags;
  const identity = await findIdentity(
    nic.identity,
    { portId: flags.port, networkId: flags.network, providerId: flags.providerId },
    {
      neutron: client.neutron,
      metadata: () => metadataDocument(client.connections),
      configDrive: configDrive === undefined ? undefined : () => driveDocument(configDrive),
    },
  );
  const facts = await factsOf(client, nic, identity, podNetworks);
  const { neutron } = client;
  const ports = await neutron.ports({ network_id: identity.networkId });
  const seesAllPorts = facts.isAdmin || facts.network.projectId === facts.projectId;
  const routers = await checkedRouters({
    ...{ neutron, ports, seesAllPorts },
    cluster: flags.cluster ? { client: kube(), namespace: flags.namespace } : undefined,
  });
  const wire = await checkWire({
    ...{ namespace, nic, identity, neutron, ports, seesAllPorts, podNetworks },
    ...{ state: flags.state, clock: systemClock },
  });
  const findings = [...cloudFindings(facts), ...routers.flatMap(routerFindings), ...wire.findings];
  const exitCode = findings.length === 0 ? 0 : 1;
  if (flags.json) {
    const { serverId, portId, networkId, by, passedOver } = identity;
    const told = findings.map(({ what, mend = null }) => ({ what, mend }));
    const whole = {
      ...{ nic: nic.identity.name, serverId, portId, networkId, by, passedOver, findings: told },
      answersNotChecked: wire.notChecked ?? null,
    };
    return { text: JSON.stringify(whole, undefined, 2), exitCode };
  }
  return { text: textOf(nic, identity, { findings, notChecked: wire.notChecked }, paint), exitCode };
}

async function factsOf(
  { session, neutron, nova }: CloudClient,
  { identity: { name }, mtuBytes, addresses }: NodeNic,
  { port, serverId, networkId }: FoundIdentity,
  podNetworks: NodeInCloud['podNetworks'],
): Promise<NodeInCloud> {
  const [{ projectId, isAdmin }, server, network, rules, portQuota, extensions] = await Promise.all([
    session.pass(),
    nova.server(serverId),
    neutron.network(networkId),
    neutron.rulesOf(port.security_groups),
    neutron.portQuota(),
    neutron.extensions(),
  ]);
  if (server.is === 'absent') throw unseen('Nova', `server ${serverId}`);
  if (network.is === 'absent') throw unseen('Neutron', `network ${networkId}`);
  return {
    nic: { name, mtuBytes, addresses },
    projectId,
    isAdmin,
    serverId,
    serverStatus: server.value.status,
    port: {
      id: port.id,
      addresses: port.fixed_ips.map(({ ip_address }) => parseAddress(ip_address)),
      hasSecurity: port.port_security_enabled,
      pairs: port.allowed_address_pairs?.map(({ ip_address }) => ip_address),
      securityGroups: port.security_groups,
    },
    network: {
      id: networkId,
      projectId: network.value.project_id,
      mtuBytes: network.value.mtu,
    },
    rules: rules.map((rule) => ({
      direction: rule.direction,
      ethertype: rule.ethertype,
      protocol: rule.protocol,
      remotePrefix: rule.remote_ip_prefix,
      remoteGroupId: rule.remote_group_id,
    })),
    portQuota,
    extensions,
    podNetworks,
  };
}

function unseen(service: string, subject: string): OrbError {
  const message = `${service} does not show ${subject} to this login`;
  return new OrbError('OPENSTACK_NOT_FOUND', { message, subject });
}

function textOf(
  { identity: { name, mac } }: NodeNic,
  { portId, serverId, networkId, by, passedOver }: FoundIdentity,
  { findings, notChecked }: WireCheck,
  paint: Paint,
): string {
  const head = [
    `${name} (${mac}) is port ${portId} of server ${serverId}, in network ${networkId}`,
    `  known by ${by}`,
    ...passedOver.map((sentence) => paint('faint', `  ${sentence}`)),
  ];
  const lines = findings.flatMap(({ what, mend }) => [
    paint('bad', what),
    ...(mend === undefined ? [] : [`  ${mend}`]),
  ]);
  const nothing = paint('good', 'nothing keeps pods from having addresses here');
  const unasked =
    notChecked === undefined ? [] : [paint('faint', `not checked: who answers on ${name}: ${notChecked}`)];
  return [...head, ...(lines.length === 0 ? [nothing] : lines), ...unasked].join('\n');
}
