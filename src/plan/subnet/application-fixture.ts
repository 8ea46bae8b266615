// What the tests of applications share: one subnet of ten addresses, and an application that asks for some of them.

import type { Application } from './application.ts';
import type { ApplicationPlan } from './index.ts';
import { application, Cluster, fromSubnet, subnetObject } from './subnet-fixture.ts';

export const P = 'ipam.spidernet.io/';
export const app = application('app');
/** The name of the application's pool. */
export const POOL = 'auto-app-v4-eth0-b1a361c7e9df';
/** The annotation that keeps a pool when its application goes. */
export const KEEP = { [`${P}ippool-reclaim`]: 'false' };

/** A cluster with one subnet `s`. */
export const small = (): Cluster => new Cluster([subnetObject('s', { ips: ['10.6.0.10-10.6.0.19'] })]);

/** Annotations that ask the subnet `s` for so many addresses. */
export const sized = (number: string, more: Record<string, string> = {}): Record<string, string> =>
  fromSubnet('s', { [`${P}ippool-ip-number`]: number, ...more });

/** The application's pools as its annotations and its number of pods ask for. */
export function run(
  cluster: Cluster,
  of: Application,
  annotations: Record<string, string>,
  pods: number,
  more: object = {},
): ApplicationPlan {
  const plan = cluster.settle(() => cluster.facts(of, annotations, pods, more));
  cluster.check();
  return plan;
}

/** The application is deleted. */
export function gone(cluster: Cluster, of: Application): void {
  cluster.settle(() => ({ ...cluster.facts(of, {}, 0), living: undefined }));
  cluster.repair();
}

export const reasons = ({ notices }: Pick<ApplicationPlan, 'notices'>): string[] =>
  notices.map(({ reason }) => reason);

export const allocated = (cluster: Cluster, subnet = 's'): number | undefined =>
  cluster.subnets.get(subnet)?.status?.allocatedIPCount;
