// What the server does to Deployments, ReplicaSets, StatefulSets and DaemonSets: defaults, and the check of their selectors.

import {
  type ApiObject,
  ensureObject,
  equal,
  isObject,
  type JsonObject,
  listAt,
  objectAt,
  setDefault,
  valueAt,
} from '../json.ts';
import type { Strategy } from '../ports.ts';
import type { StatusCause } from '../status.ts';
import { negativeCauses } from './field-causes.ts';
import { containerCauses, defaultPodSpec } from './pod.ts';

/** A strategy with the defaults of all workloads and the defaults of its kind. */
function workload(defaults: (spec: JsonObject) => void): Strategy {
  const prepare = (object: ApiObject) => {
    const spec = ensureObject(object, 'spec');
    const template = spec.template;
    if (isObject(template)) defaultPodSpec(ensureObject(template, 'spec'));
    defaults(spec);
  };
  return { prepareCreate: prepare, prepareUpdate: prepare, validate };
}

function validate(object: ApiObject, old: ApiObject | undefined): StatusCause[] {
  const causes = containerCauses(valueAt(object, 'spec', 'template', 'spec'), 'spec.template.spec');
  causes.push(...negativeCauses(object, 'spec', ['replicas', 'minReadySeconds', 'revisionHistoryLimit']));
  const labels = objectAt(object, 'spec', 'template', 'metadata', 'labels');
  const wanted = Object.entries(objectAt(object, 'spec', 'selector', 'matchLabels'));
  const expressions = listAt(object, 'spec', 'selector', 'matchExpressions');
  if (wanted.length === 0 && expressions.length === 0) {
    const message = 'Invalid value: {}: empty selector is invalid for deployment';
    causes.push({ reason: 'FieldValueInvalid', message, field: 'spec.selector' });
  }
  if (wanted.some(([key, value]) => labels[key] !== value)) {
    const message = `Invalid value: ${JSON.stringify(labels)}: \`selector\` does not match template \`labels\``;
    causes.push({ reason: 'FieldValueInvalid', message, field: 'spec.template.metadata.labels' });
  }
  if (old !== undefined && !equal(valueAt(object, 'spec', 'selector'), valueAt(old, 'spec', 'selector'))) {
    causes.push({
      reason: 'FieldValueInvalid',
      message: 'Invalid value: field is immutable',
      field: 'spec.selector',
    });
  }
  return causes;
}

export const deploymentStrategy = workload((spec) => {
  setDefault(spec, 'replicas', 1);
  setDefault(spec, 'revisionHistoryLimit', 10);
  setDefault(spec, 'progressDeadlineSeconds', 600);
  const strategy = ensureObject(spec, 'strategy');
  setDefault(strategy, 'type', 'RollingUpdate');
  if (strategy.type !== 'RollingUpdate') return;
  const rolling = ensureObject(strategy, 'rollingUpdate');
  setDefault(rolling, 'maxUnavailable', '25%');
  setDefault(rolling, 'maxSurge', '25%');
});

export const replicaSetStrategy = workload((spec) => setDefault(spec, 'replicas', 1));

export const statefulSetStrategy = workload((spec) => {
  setDefault(spec, 'replicas', 1);
  setDefault(spec, 'revisionHistoryLimit', 10);
  setDefault(spec, 'podManagementPolicy', 'OrderedReady');
  const update = ensureObject(spec, 'updateStrategy');
  setDefault(update, 'type', 'RollingUpdate');
  if (update.type === 'RollingUpdate') setDefault(ensureObject(update, 'rollingUpdate'), 'partition', 0);
});

export const daemonSetStrategy = workload((spec) => {
  setDefault(spec, 'revisionHistoryLimit', 10);
  const update = ensureObject(spec, 'updateStrategy');
  setDefault(update, 'type', 'RollingUpdate');
  if (update.type !== 'RollingUpdate') return;
  const rolling = ensureObject(update, 'rollingUpdate');
  setDefault(rolling, 'maxUnavailable', 1);
  setDefault(rolling, 'maxSurge', 0);
});
