// Copies of host-local's folders of nodes, as `--data NODE=FOLDER` names them.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorText, OrbError } from '#base';
import type { HostLocalFile } from '#plan/import';
import type { NodeFiles } from './facts.ts';

/**
 * Reads the folders of all networks in each folder. Two folders of one node are one, as with two values of `dataDir`.
 * @throws OrbError INPUT_INVALID for a word without node or folder, and for a folder that cannot be read
 */
export function readNodeFolders(words: readonly string[]): NodeFiles {
  const files: HostLocalFile[] = [];
  const nodesRead = new Set<string>();
  for (const word of words) {
    const [, node = '', folder = ''] = /^([^=]+)=(.+)$/.exec(word) ?? [];
    if (node === '') throw refused(`--data ${JSON.stringify(word)} does not have the form NODE=FOLDER`);
    try {
      files.push(...filesIn(node, folder));
    } catch (cause) {
      throw refused(`--data ${word}: the folder cannot be read`, cause);
    }
    nodesRead.add(node);
  }
  return { files, nodesRead };
}

function filesIn(node: string, folder: string): HostLocalFile[] {
  const networks = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return networks.flatMap(({ name: network }) =>
    readdirSync(join(folder, network), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => ({
        ...{ node, network, name },
        content: readFileSync(join(folder, network, name), 'utf8'),
      })),
  );
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
