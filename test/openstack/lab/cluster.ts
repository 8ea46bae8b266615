// The cluster of the lab: the embedded API server, the controller with routes and floating IPs, and the objects that a
// cluster's own programs would write.

import { type EndpointSlice, type Pod, resources, type Service } from '#api';
import { ControlPlane } from '../../e2e/controller-fixture.ts';
import type { SandboxPod } from '../../e2e/runtime.ts';
import { environmentOf } from '../scene.ts';
import { cloudAddress } from '../servers/place.ts';
import type { Vm } from './cloud-scene.ts';

const namespace = 'default';
const FLOATING = 'openstack.orbweaver.io/floating-ip';
/** Where a pod's programs answer. */
const PORT = 80;
/** As `--service-cidr` of the API server. */
export const SERVICE_CIDR = '10.96.0.0/16';

export class LabCluster {
  /** Nodes reach it as they reach the cloud. */
  readonly #plane = new ControlPlane(0, cloudAddress);

  get kubeconfig(): string {
    return this.#plane.kubeconfig;
  }

  async start(vms: readonly Vm[]): Promise<void> {
    await this.#plane.start();
    const { client } = this.#plane;
    await this.#plane.startReplica('controller', ['--router-routes', '--floating-ips'], environmentOf());
    for (const { name, serverId, address } of vms) {
      const spec = { providerID: `openstack:///${serverId}` };
      const made = await client.create(resources.nodes, { metadata: { name }, spec });
      const addresses = [{ type: 'InternalIP', address }];
      await client.updateStatus(resources.nodes, { ...made, status: { ...made.status, addresses } });
    }
  }

  get client(): ControlPlane['client'] {
    return this.#plane.client;
  }

  stop(): Promise<void> {
    return this.#plane.stop();
  }

  async createPod(name: string, nodeName: string, floatingIp?: string): Promise<SandboxPod> {
    const annotations = floatingIp === undefined ? {} : { [FLOATING]: floatingIp };
    const { metadata } = await this.client.create(
      resources.pods,
      resources.pods.schema.parse({
        metadata: { name, namespace, annotations },
        spec: { nodeName, containers: [{ name: 'c', image: 'i' }] },
      }) as Pod,
    );
    return { name, namespace, uid: metadata.uid };
  }

  /** As its kubelet does. */
  async showAddress(name: string, ip: string): Promise<void> {
    const pod = await this.client.get(resources.pods, { name, namespace });
    const status = { ...pod.status, phase: 'Running' as const, podIP: ip, podIPs: [{ ip }] };
    await this.client.updateStatus(resources.pods, { ...pod, status });
  }

  async removePod(name: string): Promise<void> {
    await this.client.delete(resources.pods, { name, namespace }, { gracePeriodSeconds: 0 });
  }

  /** A Service with one endpoint. Resolves with its address. */
  async createService(name: string, endpoint: string): Promise<string> {
    const ports = (['TCP', 'UDP'] as const).map((protocol) => ({
      name: protocol.toLowerCase(),
      protocol,
      port: PORT,
    }));
    const made = await this.client.create(resources.services, {
      metadata: { name, namespace },
      spec: { ports: ports.map((port) => ({ ...port, targetPort: PORT })) },
    } as Service);
    await this.client.create(resources.endpointSlices, {
      metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [endpoint], conditions: { ready: true } }],
      ports,
    } as EndpointSlice);
    return made.spec?.clusterIP ?? '';
  }

  async removeService(name: string): Promise<void> {
    await this.client.delete(resources.services, { name, namespace });
    await this.client.delete(resources.endpointSlices, { name, namespace });
  }
}
