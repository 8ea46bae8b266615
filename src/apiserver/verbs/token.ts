// The token subresource of service accounts: issues a token (authentication/v1 TokenRequest).

import type { BoundNode, ServiceAccountTokens } from '../access/index.ts';
import { META_TYPES, REVIEW_TYPES } from '../builtin/index.ts';
import { sendJson } from '../http/index.ts';
import { type JsonObject, numberAt, objectAt, stringAt, textsAt, valueAt } from '../json.ts';
import { stamp } from '../metadata.ts';
import { checkForm, type Objects } from '../objects/index.ts';
import { TypeTable } from '../schema/index.ts';
import { conflict, invalid, methodNotAllowed, notFound } from '../status.ts';
import { bodyOf, objectBody, type ResourceCall, targetOf } from './call.ts';

/** One hour is the default of kube-apiserver, and ten minutes its minimum. */
const seconds = { usual: 3600, least: 600, most: 2 ** 32 };

const form = {
  group: 'authentication.k8s.io',
  kind: 'TokenRequest',
  // Clients omit the specification when they accept one hour and the API server as the audience.
  schema: { ...new TypeTable(META_TYPES, REVIEW_TYPES).get('TokenRequest'), required: [] },
};

export async function requestToken(
  objects: Objects,
  tokens: ServiceAccountTokens,
  call: ResourceCall,
): Promise<void> {
  if (call.request.method !== 'POST') throw methodNotAllowed();
  const body = objectBody(await bodyOf(call));
  // Go clients send an empty status with the request.
  delete body.status;
  checkForm(form, body, call.path.name);
  const { metadata } = objects.get(targetOf(call)).object;
  const lifetime = numberAt(body, 'spec', 'expirationSeconds') ?? seconds.usual;
  const causes = [];
  if (lifetime < seconds.least || lifetime > seconds.most) {
    const bound = lifetime < seconds.least ? 'less than 10 minutes' : 'larger than 2^32 seconds';
    const message = `Invalid value: ${lifetime}: may not specify a duration ${bound}`;
    causes.push({ reason: 'FieldValueInvalid', message, field: 'spec.expirationSeconds' });
  }
  const isBound = valueAt(body, 'spec', 'boundObjectRef') !== undefined;
  if (isBound && stringAt(body, 'spec', 'boundObjectRef', 'kind') !== 'Node') {
    const message =
      'Forbidden: this server supports tokens that are bound to a Node, and to no other object: remove the field';
    causes.push({ reason: 'FieldValueForbidden', message, field: 'spec.boundObjectRef' });
  }
  const { name, namespace } = call.path;
  if (causes.length > 0)
    throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest', name }, causes);
  const nowMs = objects.context.clock.now();
  const account = { namespace, name, uid: stringAt(metadata, 'uid') ?? '' };
  const node = isBound ? boundNode(objects, body) : undefined;
  const token = tokens.issue(account, textsAt(body, 'spec', 'audiences'), { nowMs, seconds: lifetime, node });
  await objects.context.store.durable();
  sendJson(call.response, 201, {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: stamp(nowMs) },
    spec: { ...objectAt(body, 'spec'), expirationSeconds: lifetime },
    status: { token, expirationTimestamp: stamp(nowMs + lifetime * 1000) },
  });
}

const nodes = { group: '', plural: 'nodes' };

/** Throws what a read of the Node answers if it does not exist, and a conflict if the request means another UID. */
function boundNode(objects: Objects, body: JsonObject): BoundNode {
  const name = stringAt(body, 'spec', 'boundObjectRef', 'name') ?? '';
  const entry = objects.context.store.get({ resource: 'nodes.', namespace: '', name });
  if (entry === undefined) throw notFound(nodes, name);
  const uid = stringAt(entry.object.metadata, 'uid') ?? '';
  const asked = stringAt(body, 'spec', 'boundObjectRef', 'uid') ?? '';
  if (asked !== '' && asked !== uid) {
    const said = `the UID in the bound object reference (${asked}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict(nodes, name, said);
  }
  return { name, uid };
}
