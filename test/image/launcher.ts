// Starts the agent of an image in a container, with the capabilities, mounts and system calls that an installation gives it. The
// suites of test/e2e start it instead of dist/agent.mjs, and end it by signals.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { agentCapabilities, agentMemoryLimit, agentMounts } from './agent-pod.ts';
import { writeBundle } from './bundle.ts';
import type { UnpackedImage } from './unpacked.ts';

/**
 * ORBWEAVER_TEST_IMAGE is a file with the image. _WITHOUT is a capability to leave out, _SECCOMP the file of a profile, and _TRACE a
 * file to which strace writes the agent's system calls.
 */
const {
  ORBWEAVER_TEST_IMAGE: imageFile = '',
  ORBWEAVER_TEST_WITHOUT: without,
  ORBWEAVER_TEST_SECCOMP: profile,
  ORBWEAVER_TEST_TRACE: trace,
} = process.env;

const args = process.argv.slice(2);
const image = JSON.parse(readFileSync(imageFile, 'utf8')) as UnpackedImage;
const configFolder = dirname(args[args.indexOf('--config-path') + 1] ?? '/');
const bundle = join(configFolder, 'bundle');
const id = `agent-${process.pid}`;
for (const { from } of agentMounts) mkdirSync(from, { recursive: true });
writeBundle(bundle, {
  image,
  args: [...args, '--sysctl-folder', '/host/proc/sys/net'],
  capabilities: agentCapabilities.filter((name) => name !== without),
  mounts: [...agentMounts, { from: configFolder, to: configFolder, readOnly: true }],
  cgroup: `/orbweaver-image/${id}`,
  memoryLimit: agentMemoryLimit,
  ...(profile !== undefined && { seccomp: JSON.parse(readFileSync(profile, 'utf8')) as object }),
});

/** Between `create` and `start`, the container's first process waits: strace sees all that follows. */
const traced = [
  'runc create --bundle "$1" --pid-file "$1/pid" "$2"',
  'pid=$(cat "$1/pid")',
  'trap "kill -TERM $pid" TERM',
  'echo "a new agent" >>"$3"',
  'strace -f -qq -A -o "$3" -e signal=none -p "$pid" & tracer=$!',
  'until grep -q "^TracerPid:[[:space:]]*[1-9]" "/proc/$pid/status"; do sleep 0.02; done',
  'runc start "$2"',
  'while kill -0 $tracer 2>/dev/null; do wait $tracer || :; done',
].join('\n');
const inside =
  trace === undefined
    ? ['runc', 'run', '--bundle', bundle, id]
    : ['sh', '-c', traced, 'sh', bundle, id, trace];
// When this process is killed, so is the container: the first process of its pid namespace takes all others with it.
const namespaces = ['--pid', '--fork', '--kill-child', '--propagation', 'slave', '--mount-proc'];
const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...namespaces, ...inside], {
  stdio: 'inherit',
});
// runc gives the signal to the agent.
process.on('SIGTERM', () => {
  const [first] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
  process.kill(Number(first), 'SIGTERM');
});
child.on('close', (code) => {
  process.exitCode = code ?? 1;
});
