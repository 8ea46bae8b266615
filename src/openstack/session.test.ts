// Tokens, repeats and deadlines, with servers that fail on demand.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type Clock, isOrbError } from '#base';
import { type Answer, type FaultyCloud, faultyCloud, json, port } from './cloud-fixture.ts';

/** Sleeping takes no time, and moves it. */
class Leaping implements Clock {
  time = 0;
  now = () => this.time;
  monotonic = () => this.time;
  sleep = (ms: number) => {
    this.time += ms;
    return Promise.resolve();
  };
}

let cloud: FaultyCloud;
afterEach(() => cloud.close());

const clock = new Leaping();
const start = async (answer: Answer) => {
  cloud = await faultyCloud(answer, clock);
  return cloud.client;
};
const good: Answer = (_, response) => json(response, 200, { port });
/** Answers with each in turn, and with the last for ever. */
const inTurn = (...answers: Answer[]): Answer => {
  let i = 0;
  return (request, response) => answers[Math.min(i++, answers.length - 1)]?.(request, response);
};
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    response.writeHead(code, headers).end('<h1>away</h1>');
const reset: Answer = (request) => void request.socket.destroy();
const half: Answer = (request, response) => {
  response.writeHead(200, { 'content-length': '1000' }).write('{');
  setTimeout(() => request.socket.destroy(), 5);
};
const change = { description: 'x' };
const isCode = (code: Parameters<typeof isOrbError>[1]) => (error: unknown) => isOrbError(error, code);

test('twenty calls at once share one login, and a MAC address is in lower case', async () => {
  const { neutron } = await start(good);
  const sights = await Promise.all(Array.from({ length: 20 }, () => neutron.port('p')));
  assert.deepEqual(cloud.tokens, ['token-1']);
  const [sight] = sights;
  assert.equal(sight?.is === 'there' && sight.value.mac_address, 'fa:16:3e:00:00:01');
});

test('a token is renewed before it ends, once for all', async () => {
  const { neutron } = await start(good);
  await neutron.port('p');
  clock.time += 3_290_000;
  await neutron.port('p');
  assert.deepEqual(cloud.tokens, ['token-1']);
  clock.time += 20_000;
  await Promise.all([neutron.port('p'), neutron.port('p')]);
  assert.deepEqual(cloud.tokens, ['token-1', 'token-2']);
  assert.equal(cloud.asked.at(-1)?.token, 'token-2');
});

test('while Keystone is away the old token serves until its end', async () => {
  const { neutron } = await start(good);
  await neutron.port('p');
  clock.time += 3_400_000;
  const away = Array.from({ length: 200 }, () => status(503));
  cloud.loginAnswers.push(...away);
  await neutron.port('p');
  assert.equal(cloud.asked.at(-1)?.token, 'token-1');
  assert.equal(cloud.loginAnswers.length, 199);
  clock.time += 300_000;
  await assert.rejects(neutron.port('p'), isCode('OPENSTACK_UNREACHABLE'));
});

test('a Keystone that is away for a moment is asked again, and a refusal is not', async () => {
  const { neutron } = await start(good);
  cloud.loginAnswers.push(status(503), reset, status(502));
  assert.equal((await neutron.port('p')).is, 'there');
  assert.deepEqual(cloud.tokens, ['token-1']);
  cloud.close();
  const refused = await start(good);
  cloud.loginAnswers.push(status(401));
  await assert.rejects(refused.neutron.port('p'), isCode('OPENSTACK_LOGIN_REFUSED'));
});

test('a refused token is replaced once: a second refusal is an error', async () => {
  const { neutron } = await start(inTurn(status(401), good));
  assert.equal((await neutron.port('p')).is, 'there');
  assert.deepEqual(cloud.tokens, ['token-1', 'token-2']);
  cloud.close();
  const again = await start(status(401));
  await assert.rejects(again.neutron.port('p'), isCode('OPENSTACK_LOGIN_REFUSED'));
  assert.equal(cloud.asked.length, 2);
});

test('a write with a refused token is sent again', async () => {
  const { neutron } = await start(inTurn(status(401), good));
  await neutron.updatePort('p', change, { revision: 1 });
  assert.deepEqual(
    cloud.asked.map(({ line }) => line),
    ['PUT /v2.0/ports/p', 'PUT /v2.0/ports/p'],
  );
});

test('a read is repeated after 502, 503, 504 and a broken connection', async () => {
  const { neutron } = await start(inTurn(status(502), status(503), status(504), reset, good));
  assert.equal((await neutron.port('p')).is, 'there');
  assert.equal(cloud.asked.length, 5);
});

test('a read ends within its deadline, however long the server is away', async () => {
  const { neutron } = await start(status(503));
  const begun = clock.time;
  await assert.rejects(neutron.port('p'), isCode('OPENSTACK_UNREACHABLE'));
  assert.ok(clock.time - begun <= 60_000);
});

test('the wait that a server asks for is kept, up to ten seconds', async () => {
  const { neutron } = await start(
    inTurn(status(503, { 'retry-after': '3' }), status(503, { 'retry-after': '99' }), good),
  );
  const begun = clock.time;
  await neutron.port('p');
  assert.equal(clock.time - begun, 13_000);
});

for (const [what, answer] of [
  ['503', status(503)],
  ['half an answer', half],
  ['a broken connection', reset],
] as const) {
  test(`a write is sent once before ${what}: it may have been done`, async () => {
    const { neutron } = await start(answer);
    await assert.rejects(neutron.updatePort('p', change, { revision: 1 }), isCode('OPENSTACK_UNREACHABLE'));
    assert.equal(cloud.asked.length, 1);
  });
}

test('a write is repeated after 429: nothing was done', async () => {
  const { neutron } = await start(inTurn(status(429), good));
  await neutron.updatePort('p', change, { revision: 1 });
  assert.equal(cloud.asked.length, 2);
});

test('a page in place of an answer is no absent port and no port', async () => {
  const { neutron } = await start(inTurn(status(404), (_, response) => json(response, 200, { port: {} })));
  await assert.rejects(neutron.port('p'), isCode('OPENSTACK_UNREACHABLE'));
  await assert.rejects(neutron.port('p'), isCode('OPENSTACK_MALFORMED'));
});

test('a Keystone that answers with the request shows no secret', async () => {
  const { neutron } = await start(good);
  cloud.loginAnswers.push((request, response) => {
    let said = '';
    request.on('data', (chunk) => (said += String(chunk)));
    request.on('end', () => response.writeHead(400).end(said));
  });
  await assert.rejects(neutron.port('p'), (error) => {
    assert.ok(isOrbError(error, 'OPENSTACK_REFUSED'));
    assert.match(error.message, /application_credential/);
    assert.doesNotMatch(error.message, /a-secret/);
    return true;
  });
});

test('a caller that stops waiting ends its call, and not the login of others', async () => {
  const { neutron } = await start(good);
  const { promise: held, resolve } = Promise.withResolvers<void>();
  cloud.loginAnswers.push((_, response) => void held.then(() => response.writeHead(500).end()));
  const stop = new AbortController();
  const impatient = neutron.port('p', { signal: stop.signal });
  const patient = neutron.port('p');
  stop.abort(new Error('enough'));
  await assert.rejects(impatient, /enough/);
  resolve();
  await assert.rejects(patient, isCode('OPENSTACK_UNREACHABLE'));
});

test('a list that goes on for ever with the same page is an error', async () => {
  const page = { ports: [port], ports_links: [{ rel: 'next', href: 'http://elsewhere' }] };
  const { neutron } = await start((_, response) => json(response, 200, page));
  await assert.rejects(neutron.ports({}), isCode('OPENSTACK_MALFORMED'));
});

test('a port that a server lists although it does not match the filter is left out', async () => {
  const { neutron } = await start((_, response) => json(response, 200, { ports: [port] }));
  assert.deepEqual(await neutron.ports({ network_id: 'other' }), []);
  assert.deepEqual(await neutron.ports({ address: '10.0.0.1' }), []);
  assert.equal((await neutron.ports({ network_id: 'n' })).length, 1);
});
