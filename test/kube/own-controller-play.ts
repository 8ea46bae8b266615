// Our controller on a cluster, before there is an agent: networks, definitions, admission.

import type { Cluster } from './cluster.ts';
import type { Controller } from './controller.ts';
import { expectAdmission, expectDefinitionsKept, untilDefined } from './definitions.ts';
import { expectForeignAuthorityRefused } from './foreign-authority.ts';
import { expectDiscovery, type NetworkSource } from './networks.ts';
import type { Outcomes } from './outcome.ts';

export async function playOwnController(
  cluster: Cluster,
  outcomes: Outcomes,
  controller: Controller,
  networksFrom: NetworkSource,
): Promise<void> {
  await outcomes.require('the controller runs with the rights of deploy/controller-rbac.yaml', () =>
    controller.start(),
  );
  await outcomes.require(`the controller finds the networks of the cluster: ${networksFrom}`, () =>
    expectDiscovery(cluster, networksFrom),
  );
  await outcomes.require('the controller makes definitions, and keeps them', async () => {
    await untilDefined(cluster);
    await expectDefinitionsKept(cluster);
  });
  await outcomes.check('the API server asks the controller by HTTPS before it stores an object', () =>
    expectAdmission(cluster),
  );
  await outcomes.check('the API server sends nothing to a webhook of another authority', () =>
    expectForeignAuthorityRefused(cluster),
  );
}
