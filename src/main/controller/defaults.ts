// The file of objects that an installation begins with: YAML documents of our own kinds.

import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { apiVersionOf, customResources, type KubeObject, type ResourceType } from '#api';
import { didYouMean, errorText, OrbError } from '#base';
import type { DefaultObject } from '#controller';

const kinds: readonly ResourceType[] = Object.values(customResources);

/** @throws OrbError INPUT_INVALID, which names the document */
export function readDefaults(path: string): DefaultObject[] {
  try {
    return defaultsIn(path, readFileSync(path, 'utf8'));
  } catch (cause) {
    if (cause instanceof OrbError) throw cause;
    const message = `the file of default objects ${path} cannot be read`;
    throw new OrbError('INPUT_INVALID', { message, subject: path, said: errorText(cause).trim(), cause });
  }
}

export function defaultsIn(path: string, text: string): DefaultObject[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document, index) => {
    const where = `document ${index + 1} of ${path}`;
    const [fault] = document.errors;
    if (fault !== undefined) throw refused(where, `${where} is not YAML: ${fault.message}`);
    const value: unknown = document.toJS();
    return value === null ? [] : [defaultObject(where, value)];
  });
}

function defaultObject(where: string, value: unknown): DefaultObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused(where, `${where} is not an object of Kubernetes`);
  }
  const { apiVersion, kind, metadata } = value as Partial<KubeObject>;
  const type = kinds.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
  if (type === undefined) {
    const hint = didYouMean(
      String(kind),
      kinds.map((one) => one.kind),
    );
    throw refused(where, `${where}: ${String(apiVersion)} ${String(kind)} is no kind of Orbweaver${hint}`);
  }
  const object = value as KubeObject;
  if (typeof metadata?.name !== 'string' || metadata.name === '') {
    throw refused(where, `${where}: metadata.name is missing`);
  }
  if (type.namespaced && typeof metadata.namespace !== 'string') {
    throw refused(where, `${where}: metadata.namespace is missing`);
  }
  return { type, object };
}

function refused(subject: string, message: string): OrbError {
  return new OrbError('INPUT_INVALID', { message, subject });
}
