// The programs of Prometheus. tools/run unpacks them from Debian's package and does not install it: it would start a service.

import { join } from 'node:path';

function program(name: string): string {
  const folder = process.env.ORBWEAVER_PROMETHEUS;
  if (folder === undefined) throw new Error('run these tests with npm run test:monitoring');
  return join(folder, 'usr/bin', name);
}

export const prometheus = (): string => program('prometheus');
export const promtool = (): string => program('promtool');
