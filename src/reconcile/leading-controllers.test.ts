// Controllers that run while their program leads.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base';
import { keyOf } from '#kube';
import { type Candidate, Election, turns } from './candidate-fixture.ts';
import type { Controller } from './controller.ts';
import { configMap, kinds, namespace, patch, type } from './controller-fixture.ts';
import { Controllers } from './controllers.ts';
import { Informers } from './informers.ts';

/** Gives the candidate a controller that writes the candidate's name into every config map. */
async function writeNames({ kube }: Election, candidate: Candidate): Promise<Informers<typeof kinds>> {
  const { name, client, clock } = candidate;
  const informers = new Informers({ client: kube, clock, log: silentLogger }, kinds);
  const controller: Controller<typeof kinds> = {
    name: 'names',
    concerns: (_, object) => [keyOf(object)],
    plan: (key, state) => {
      const object = state.configMaps.list().find((one) => keyOf(one) === key);
      return object === undefined || object.data?.value === name ? [] : [patch(object, name)];
    },
  };
  const shared = { client, clock, log: silentLogger, informers };
  const controllers = new Controllers({ ...shared, controllers: [controller] });
  candidate.work = (signal) => controllers.run(signal);
  await informers.start();
  return informers;
}

test('only the leader writes; the next leader plans everything, and no call of the last one arrives later', async () => {
  const election = new Election();
  const { kube } = election;
  await kube.create(type, configMap('x'));
  const a = election.candidate('a');
  const informers = [await writeNames(election, a)];
  await turns();
  const b = election.candidate('b');
  informers.push(await writeNames(election, b));
  await election.pass(5);
  const value = async (name: string) => (await kube.get(type, { name, namespace })).data?.value;
  assert.equal(await value('x'), 'a');
  assert.equal(kube.count('patch', 'configmaps'), 1);

  a.connection = 'silent';
  await kube.create(type, configMap('y'));
  await election.pass(20);
  assert.deepEqual([election.leaders, election.mostLeaders], [['b'], 1]);
  assert.deepEqual([await value('x'), await value('y')], ['b', 'b']);

  a.connection = 'up';
  await kube.create(type, configMap('z'));
  await election.pass(20);
  assert.deepEqual([await value('x'), await value('y'), await value('z')], ['b', 'b', 'b']);
  await election.stop();
  await Promise.all(informers.map((all) => all.stop()));
});
