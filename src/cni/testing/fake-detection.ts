// Detection for tests of other things: it is switched off, and every address is free.

import type { Detection } from '../detection.ts';

export const quietDetection: Detection = {
  conflict: false,
  gateway: false,
  deadlineMs: 300,
  probe: async () => ({ kind: 'free' }),
  conflicted: () => {},
  announce: async () => {},
};
