// Checks of the JSON texts in a SpiderMultusConfig: plugins of the chain, and a whole configuration.

import { parseJson, parseNetConf } from '#api';
import { isOrbError } from '#base';
import type { AdmissionIssue } from '#plan/ipam';
import type { Spec } from './spec.ts';

/** Texts that cannot be read. */
export function chainIssues({ cniType, customCNI, chainCNIJsonData = [] }: Spec): AdmissionIssue[] {
  const custom = cniType === 'custom' && customCNI ? customIssues(customCNI) : [];
  return [...custom, ...chainCNIJsonData.flatMap(pluginIssues)];
}

function customIssues(value: string): AdmissionIssue[] {
  const problem = problemOf(() => parseJson(value, { subject: 'spec.customCNI' }));
  if (problem === undefined) return [];
  const message = `customCniConfig isn't a valid JSON encoding: ${problem}`;
  return [{ field: 'spec.customCNI', value, message, forbidden: true }];
}

/** A plugin of the chain needs a type (libcni). The runtime gives it the name of the chain. */
function pluginIssues(value: string, index: number): AdmissionIssue[] {
  const field = `spec.chainCNIJsonData[${index}]`;
  const problem = problemOf(() => {
    const plugin = parseJson(value, { subject: field });
    const named = isObject(plugin) ? { ...plugin, name: 'chain' } : plugin;
    parseNetConf(JSON.stringify(named));
  });
  if (problem === undefined) return [];
  return [{ field, value, message: `invalid ${value}: ${problem}`, forbidden: true }];
}

/** What is wrong, in the words of the error that `read` throws. Undefined if it throws none. */
export function problemOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (isOrbError(error)) return error.message;
    throw error;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
