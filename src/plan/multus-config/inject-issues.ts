// Checks of the annotations that let the pod webhook inject a network and its device.

import { isLabelValue, type SpiderMultusConfig } from '#api';
import type { AdmissionIssue } from '#plan/ipam';
import { annotationField } from './name-issues.ts';
import { INJECT_NETWORK_ANNOTATION, INJECT_RDMA_ANNOTATION } from './names.ts';
import { partFieldOf, poolsOf, resourceName, type Spec } from './spec.ts';

/** What is missing for the injection that the annotations ask for. */
export function injectIssues({
  metadata,
  spec,
}: {
  readonly metadata: SpiderMultusConfig['metadata'];
  readonly spec: Spec;
}): AdmissionIssue[] {
  const { name, namespace, annotations = {} } = metadata;
  const asked = [INJECT_RDMA_ANNOTATION, INJECT_NETWORK_ANNOTATION].filter((key) => key in annotations);
  if (asked.length === 0) return [];
  if (spec.cniType === 'ovs' || spec.cniType === 'custom') return [unsupported(spec.cniType)];
  const field = `spec.${partFieldOf(spec.cniType)}`;
  const whose = `for spidermultusconfig ${namespace}/${name}`;
  const resource = resourceName(spec);
  const issues = asked.flatMap((key) => labelIssues(key, annotations[key]));
  if (resource === '' && asked.includes(INJECT_RDMA_ANNOTATION)) {
    const message = `rdmaResourceName can not empty ${whose}`;
    issues.push({ field: `${field}.rdmaResourceName`, value: undefined, message });
  }
  const needsPools = asked.includes(INJECT_RDMA_ANNOTATION) || resource !== '';
  const { ipv4 = [], ipv6 = [] } = poolsOf(spec) ?? {};
  if (needsPools && ipv4.length + ipv6.length === 0) {
    const message = `no any ippools configured ${whose}`;
    issues.push({ field: `${field}.ippools`, value: poolsOf(spec), message });
  }
  return issues;
}

function unsupported(cniType: Spec['cniType']): AdmissionIssue {
  const message = `the cniType ${cniType} does not support RDMA resource or network resource injected`;
  return { field: 'spec.cniType', value: cniType, message, forbidden: true };
}

/** The value becomes a label, by which the webhook finds the networks of a group. */
function labelIssues(annotation: string, value = ''): AdmissionIssue[] {
  if (isLabelValue(value)) return [];
  const message = 'must be the value of a label: at most 63 letters, digits, "-", "_" and "."';
  return [{ field: annotationField(annotation), value, message }];
}
