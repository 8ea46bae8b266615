// CustomResourceDefinitions: from the object to the kinds being served (apiextensions.k8s.io/v1).

import {
  type ApiObject,
  clone,
  ensureObject,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  objectAt,
  setDefault,
  stringAt,
  valueAt,
} from '../json.ts';
import { stamp } from '../metadata.ts';
import type { Strategy } from '../ports.ts';
import type { PrinterColumn, Resource, ScalePaths } from '../resource.ts';
import { patternFault, type RuleEngine, type Schema } from '../schema/index.ts';
import type { StatusCause } from '../status.ts';

/** Holds a definition until the objects of its kind are gone. */
export const CUSTOM_RESOURCE_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** Served kinds of a definition, one for each served version. */
export function resourcesOf(definition: ApiObject, metaSchema: Schema): Resource[] {
  const spec = objectAt(definition, 'spec');
  const names = objectAt(spec, 'names');
  const served = listAt(spec, 'versions').filter((version) => valueAt(version, 'served') === true);
  return served.map((version) => {
    const scale = objectAt(version, 'subresources', 'scale');
    const kind = stringAt(names, 'kind') ?? '';
    return {
      group: stringAt(spec, 'group') ?? '',
      version: stringAt(version, 'name') ?? '',
      kind,
      listKind: stringAt(names, 'listKind') || `${kind}List`,
      plural: stringAt(names, 'plural') ?? '',
      singular: stringAt(names, 'singular') || kind.toLowerCase(),
      namespaced: stringAt(spec, 'scope') === 'Namespaced',
      shortNames: listAt(names, 'shortNames') as string[],
      categories: listAt(names, 'categories') as string[],
      statusSubresource: valueAt(version, 'subresources', 'status') !== undefined,
      scale: scalePaths(scale),
      schema: rootSchema(objectAt(version, 'schema', 'openAPIV3Schema'), metaSchema),
      selectableFields: listAt(version, 'selectableFields').map((it) =>
        (stringAt(it, 'jsonPath') ?? '').slice(1),
      ),
      columns: listAt(version, 'additionalPrinterColumns') as unknown as PrinterColumn[],
      custom: true,
    };
  });
}

function scalePaths(scale: JsonObject): ScalePaths | undefined {
  const steps = (field: string) => stringAt(scale, field)?.split('.').slice(1);
  const [spec, status, selector] = [
    steps('specReplicasPath'),
    steps('statusReplicasPath'),
    steps('labelSelectorPath'),
  ];
  if (spec === undefined || status === undefined) return undefined;
  return { spec, status, ...(selector !== undefined && { selector }) };
}

/** The declared schema with what every object has. */
function rootSchema(declared: JsonObject, metaSchema: Schema): Schema {
  const schema = declared as Schema;
  const text: Schema = { type: 'string' };
  return {
    ...schema,
    type: 'object',
    properties: { ...schema.properties, apiVersion: text, kind: text, metadata: metaSchema },
  };
}

/** The rules of definitions themselves. */
export function definitionStrategy(rules: RuleEngine, nowMs: () => number): Strategy {
  return {
    prepareCreate(definition) {
      defaultNames(definition);
      const finalizers = listAt(definition.metadata, 'finalizers');
      if (!finalizers.includes(CUSTOM_RESOURCE_FINALIZER))
        definition.metadata.finalizers = [...finalizers, CUSTOM_RESOURCE_FINALIZER];
      definition.status = servedStatus(definition, stamp(nowMs()));
    },
    prepareUpdate(definition) {
      defaultNames(definition);
      // Names may change only before anything is stored under them: the plural and the group never do (validate).
      const status = ensureObject(definition, 'status');
      status.acceptedNames = clone(objectAt(definition, 'spec', 'names'));
    },
    validate: (definition, old) => definitionCauses(definition, old, rules),
  };
}

function defaultNames(definition: ApiObject): void {
  const spec = ensureObject(definition, 'spec');
  const names = ensureObject(spec, 'names');
  const kind = stringAt(names, 'kind') ?? '';
  setDefault(names, 'singular', kind.toLowerCase());
  setDefault(names, 'listKind', `${kind}List`);
  setDefault(spec, 'conversion', { strategy: 'None' });
}

function servedStatus(definition: ApiObject, time: string): JsonObject {
  const condition = (type: string, reason: string, message: string): Json => {
    return { type, status: 'True', lastTransitionTime: time, reason, message };
  };
  const storage = listAt(definition, 'spec', 'versions').find(
    (version) => valueAt(version, 'storage') === true,
  );
  return {
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    acceptedNames: clone(objectAt(definition, 'spec', 'names')),
    storedVersions: [stringAt(storage, 'name') ?? ''],
  };
}

function definitionCauses(
  definition: ApiObject,
  old: ApiObject | undefined,
  rules: RuleEngine,
): StatusCause[] {
  const causes: StatusCause[] = [];
  const say = (field: string, message: string) =>
    causes.push({ reason: 'FieldValueInvalid', message, field });
  const spec = objectAt(definition, 'spec');
  const wanted = `${stringAt(spec, 'names', 'plural') ?? ''}.${stringAt(spec, 'group') ?? ''}`;
  const { name } = definition.metadata;
  if (name !== wanted)
    say('metadata.name', `Invalid value: "${name}": must be spec.names.plural+"."+spec.group`);
  const scope = stringAt(spec, 'scope') ?? '';
  if (scope !== 'Namespaced' && scope !== 'Cluster') {
    say('spec.scope', `Unsupported value: "${scope}": supported values: "Cluster", "Namespaced"`);
  }
  const versions = listAt(spec, 'versions');
  if (versions.filter((version) => valueAt(version, 'storage') === true).length !== 1) {
    say('spec.versions', 'Invalid value: must have exactly one version marked as storage version');
  }
  versions.forEach((version, index) => {
    const field = `spec.versions[${index}].schema.openAPIV3Schema`;
    const schema = valueAt(version, 'schema', 'openAPIV3Schema');
    if (!isObject(schema)) say(field, 'Required value: schemas are required');
    else schemaCauses(schema as Schema, field, rules, say);
  });
  for (const fixed of ['group', 'scope']) {
    const was = valueAt(old, 'spec', fixed);
    if (was !== undefined && was !== spec[fixed])
      say(`spec.${fixed}`, `Invalid value: ${JSON.stringify(spec[fixed])}: field is immutable`);
  }
  return causes;
}

/** What keeps a schema from being structural, and rules that cannot be compiled. */
function schemaCauses(
  schema: Schema,
  field: string,
  rules: RuleEngine,
  say: (field: string, message: string) => void,
): void {
  const free =
    schema['x-kubernetes-preserve-unknown-fields'] === true || schema['x-kubernetes-int-or-string'] === true;
  if (schema.type === undefined && !free)
    say(`${field}.type`, 'Required value: must not be empty for specified object fields');
  if (schema.type === 'array' && schema.items === undefined)
    say(`${field}.items`, 'Required value: must be specified');
  const fault = schema.pattern === undefined ? undefined : patternFault(schema.pattern);
  if (fault !== undefined)
    say(
      `${field}.pattern`,
      `Invalid value: ${JSON.stringify(schema.pattern)}: must be a valid regular expression: ${fault}`,
    );
  (schema['x-kubernetes-validations'] ?? []).forEach((rule, index) => {
    const fault = rules.fault(rule.rule);
    if (fault !== undefined)
      say(
        `${field}.x-kubernetes-validations[${index}].rule`,
        `Invalid value: ${JSON.stringify(rule.rule)}: compilation failed: ${fault}`,
      );
  });
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (field.endsWith('openAPIV3Schema') && name === 'metadata') continue;
    schemaCauses(child, `${field}.properties[${name}]`, rules, say);
  }
  if (schema.items !== undefined) schemaCauses(schema.items, `${field}.items`, rules, say);
  if (typeof schema.additionalProperties === 'object') {
    schemaCauses(schema.additionalProperties, `${field}.additionalProperties`, rules, say);
  }
}
