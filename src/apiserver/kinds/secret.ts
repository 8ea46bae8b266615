// What the server does to Secrets: text given as stringData is stored as data.

import { type ApiObject, ensureObject, objectAt, setDefault } from '../json.ts';
import type { Strategy } from '../ports.ts';

function prepare(secret: ApiObject): void {
  setDefault(secret, 'type', 'Opaque');
  const texts = Object.entries(objectAt(secret, 'stringData'));
  for (const [key, text] of texts)
    ensureObject(secret, 'data')[key] = Buffer.from(String(text as string)).toString('base64');
  delete secret.stringData;
}

export const secretStrategy: Strategy = { prepareCreate: prepare, prepareUpdate: prepare };
