// The stress run as a program, in its own namespaces: main.ts KILLS PARALLEL SEED.

import { runToEnd } from '#program';
import { insideNamespaces } from '../../e2e/namespaces.ts';
import { stress } from './stress.ts';

async function underStress(): Promise<number> {
  const [kills = 0, parallel = 0, seed = 0] = process.argv.slice(2).map(Number);
  console.log(`# stress, seed ${seed}`);
  const begunMs = performance.now();
  const report = await stress({ kills, parallel, seed, keepsLogs: true });
  const seconds = ((performance.now() - begunMs) / 1000).toFixed(0);
  for (const complaint of report.complaints) console.log(`FAIL ${complaint}`);
  const killed = `${report.kills} processes killed, the agent ${report.agentKills} times`;
  console.log(
    `${report.operations} operations, ${parallel} of them at once; ${killed}; ${seconds} s; ${report.complaints.length} complaints`,
  );
  return report.complaints.length === 0 ? 0 : 1;
}

if (insideNamespaces(import.meta.filename)) await runToEnd('stress', underStress);
