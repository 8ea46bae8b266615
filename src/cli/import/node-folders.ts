// Copies of host-local's folders of nodes, as `--data NODE=FOLDER` names them.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorText, OrbError } from '#base';
import type { HostLocalFile } from '#plan/import';
import type { NodeFiles } from './facts.ts';

/**
 * Reads the folders of all networks in each folder. Two folders of one node are one, as with two values of `dataDir`.
 * @throws OrbError INPUT_INVALID for a word without node or folder, for a folder that cannot be read, and for what is no
 *   folder of host-local
 */
export function readNodeFolders(words: readonly string[]): NodeFiles {
  const files: HostLocalFile[] = [];
  const nodesRead = new Map<string, Set<string>>();
  for (const word of words) {
    const [, node = '', folder = ''] = /^([^=]+)=(.+)$/.exec(word) ?? [];
    if (node === '') throw refused(`--data ${JSON.stringify(word)} does not have the form NODE=FOLDER`);
    const networks = nodesRead.get(node) ?? new Set();
    nodesRead.set(node, networks);
    for (const network of readOrRefuse(word, () => readdirSync(folder))) {
      const path = join(folder, network);
      if (!readOrRefuse(word, () => statSync(path)).isDirectory()) {
        const hint = 'FOLDER holds the folders of all networks of the node';
        throw refused(`--data ${word}: ${path} is no folder of a network; ${hint}`);
      }
      networks.add(network);
      files.push(...filesIn(word, node, network, path));
    }
  }
  return { files, nodesRead };
}

/** Links are followed, as host-local does. A folder below may be the `dataDir` of another network. */
function filesIn(word: string, node: string, network: string, folder: string): HostLocalFile[] {
  return readOrRefuse(word, () => readdirSync(folder)).flatMap((name) => {
    const path = join(folder, name);
    const kind = readOrRefuse(word, () => statSync(path));
    if (kind.isDirectory()) return [];
    if (!kind.isFile()) throw refused(`--data ${word}: ${path} is neither a file nor a folder`);
    return [{ node, network, name, content: readOrRefuse(word, () => readFileSync(path, 'utf8')) }];
  });
}

function readOrRefuse<T>(word: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw refused(`--data ${word}: the folder cannot be read`, cause);
  }
}

function refused(message: string, cause?: unknown): OrbError {
  const said = cause === undefined ? undefined : errorText(cause);
  return new OrbError('INPUT_INVALID', {
    message,
    subject: '--data',
    ...(said !== undefined && { said }),
    cause,
  });
}
