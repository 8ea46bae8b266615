// The programs of the images for arm64, under qemu: each starts with the libraries of its image and no others.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../kube/command.ts';
import type { Outcomes } from '../kube/outcome.ts';
import type { UnpackedImage } from './unpacked.ts';

type Programs = Readonly<Record<'agent' | 'controller' | 'orbctl', UnpackedImage>>;

export async function playEmulated(outcomes: Outcomes, images: Programs): Promise<void> {
  for (const [program, { root, config }] of Object.entries(images)) {
    copyFileSync('/usr/bin/qemu-aarch64-static', join(root, 'qemu'));
    await outcomes.check(`the image of ${program} for arm64 starts under qemu`, async () => {
      const [node = '', ...words] = config.config.Entrypoint;
      const said = await emulate(root, [node, ...words, '--help']);
      if (!said.startsWith('usage: ') && !/USAGE/.test(said)) throw new Error(said);
    });
  }
  const { root } = images.agent;
  await outcomes.check("the agent's image for arm64 calls libc and loads libnftables", async () => {
    const script = `const koffi = (await import('/opt/orbweaver/node_modules/koffi/index.js')).default;
      const getpid = koffi.load(null).func('getpid', 'int', []);
      const nft = koffi.load('libnftables.so.1').func('nft_ctx_new', 'void *', ['uint32_t']);
      console.log(process.arch, getpid() === process.pid, typeof nft);`;
    const said = await emulate(root, ['/usr/bin/node', '--input-type=module', '-e', script]);
    if (said.trim() !== 'arm64 true function') throw new Error(said);
  });
  await outcomes.check("the agent's CNI executable for arm64 tells its versions", async () => {
    const said = await emulate(root, ['/opt/orbweaver/ow-cni'], { CNI_COMMAND: 'VERSION' });
    if (!said.includes('"supportedVersions"')) throw new Error(said);
  });
}

/** Runs a program of the image as if its root were the root. */
function emulate(
  root: string,
  [program = '', ...args]: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  return run(['chroot', root, '/qemu', program, ...args], { input: '{"cniVersion": "1.0.0"}', env });
}
