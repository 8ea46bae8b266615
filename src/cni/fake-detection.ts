// Detection for tests of other things: switched off, and every address free.

import type { Detection } from './detection.ts';

export const quietDetection: Detection = {
  conflict: false,
  gateway: false,
  deadlineMs: 300,
  probe: async () => ({ kind: 'free' }),
  conflicted: () => {},
  announce: async () => {},
};
