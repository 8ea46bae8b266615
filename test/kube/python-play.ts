// The official Python client, in its own environment, which is stored outside the tree.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, kept } from './cache.ts';
import type { ClientParts } from './clients-play.ts';
import { run } from './command.ts';

const folder = join(import.meta.dirname, 'python');
const requirements = join(folder, 'requirements.txt');

/** The keys are the names in client.py. */
const checks = {
  version: 'VersionApi',
  nodes: 'list_node, with a status that was patched',
  kinds: 'discovery, and lists of kinds of every group',
  watches: 'a watch from a version reports what was added, changed and deleted since',
  patches: 'strategic and JSON patches, and a patch of the scale',
  custom: 'a custom kind: JSON patch, merge patch and server-side apply',
  refusals: 'a missing object',
};

export async function playPython({ outcomes, environment }: ClientParts): Promise<void> {
  const python = await pythonVersion();
  if (python === undefined) {
    console.log('skipped: the Python client, because python3 with venv and ensurepip is not on this machine');
    return;
  }
  const installed = await environmentOf(python);
  for (const [name, title] of Object.entries(checks)) {
    await outcomes.check(`Python client: ${title}`, () =>
      run([join(installed, 'bin/python'), join(folder, 'client.py'), name], {
        env: { ...environment, PYTHONDONTWRITEBYTECODE: '1' },
      }),
    );
  }
}

/** Undefined when this machine cannot make an environment. */
async function pythonVersion(): Promise<string | undefined> {
  const program = 'import sys, venv, ensurepip; print(sys.executable, sys.version)';
  return run(['python3', '-c', program]).catch(() => undefined);
}

function environmentOf(python: string): Promise<string> {
  const key = createHash('sha256').update(python).update(readFileSync(requirements)).digest('hex');
  return kept(join(cacheFolder('kube'), `python-${key.slice(0, 16)}`), async (made) => {
    console.log('installing the Python client (once: about half a minute)');
    await run(['python3', '-m', 'venv', made]);
    const packages = ['--quiet', '--disable-pip-version-check', '--requirement', requirements];
    await run([join(made, 'bin/python'), '-m', 'pip', 'install', ...packages]);
  });
}
