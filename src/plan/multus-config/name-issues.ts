// Checks of the annotations that name the definition and the configuration in it.

import { CNI_NAME, type SpiderMultusConfig, supportedVersions } from '#api';
import type { AdmissionIssue } from '#plan/ipam';
import {
  CNI_VERSION_ANNOTATION,
  CONFIG_NAME_ANNOTATION,
  DEFINITION_NAME_ANNOTATION,
  isSupportedVersion,
} from './names.ts';

/** Names of NetworkAttachmentDefinitions (Kubernetes, "DNS Subdomain Names"). */
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LONGEST_SUBDOMAIN = 253;

/** An annotation's place in an object, in the notation of the API server. */
export function annotationField(annotation: string): string {
  return `metadata.annotations[${annotation}]`;
}

/** What is wrong with the annotations by themselves. */
export function nameIssues({ metadata }: Pick<SpiderMultusConfig, 'metadata'>): AdmissionIssue[] {
  const { annotations = {} } = metadata;
  const checks: [string, (value: string) => string | undefined][] = [
    [DEFINITION_NAME_ANNOTATION, definitionNameProblem],
    [CNI_VERSION_ANNOTATION, versionProblem],
    [CONFIG_NAME_ANNOTATION, configNameProblem],
  ];
  return checks.flatMap(([annotation, problemOf]) => {
    const value = annotations[annotation];
    const message = value === undefined ? undefined : problemOf(value);
    return message === undefined ? [] : [{ field: annotationField(annotation), value, message }];
  });
}

/** A definition keeps its name, because pods name it in their annotations. */
export function renamingIssues(config: SpiderMultusConfig, old: SpiderMultusConfig): AdmissionIssue[] {
  const [before, now] = [old, config].map(
    ({ metadata }) => metadata.annotations?.[DEFINITION_NAME_ANNOTATION],
  );
  if (before === now) return [];
  const [from, to] = [before ?? old.metadata.name, now ?? config.metadata.name];
  const message =
    before === undefined
      ? `it's unsupported to changed Multus net-attach-def '${from}' to customized name '${to}'`
      : `it's unsupported to change customized Multus net-attach-def resource name from '${from}' to '${to}'`;
  return [{ field: annotationField(DEFINITION_NAME_ANNOTATION), value: now, message }];
}

function definitionNameProblem(name: string): string | undefined {
  if (SUBDOMAIN.test(name) && name.length <= LONGEST_SUBDOMAIN) return undefined;
  return `invalid custom net-attach-def resource name, err: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', must start and end with an alphanumeric character, and be 1 to ${LONGEST_SUBDOMAIN} characters long`;
}

function versionProblem(version: string): string | undefined {
  if (isSupportedVersion(version)) return undefined;
  return `unsupported CNI version ${version}: supported are ${supportedVersions.join(', ')}`;
}

/** Empty means absent. */
function configNameProblem(name: string): string | undefined {
  if (name === '' || CNI_NAME.test(name)) return undefined;
  return `must match ${CNI_NAME}: it becomes the name of the CNI configuration`;
}
