// The log options of a plugin, as SpiderMultusConfig and SpiderCoordinator have them since Spiderpool 1.2.3.

import { z } from 'zod';
import { int64, partOf } from '../open-object.ts';

const limit = (what: string) => int64().min(0).optional().describe(`${what}; 0 sets no limit.`);

/** An absent field leaves the default of the plugin. Upstream tells absent from 0 too. */
export const logOptionsSchema = partOf({
  logLevel: z.string().optional().describe('debug, info, warn, error, fatal or panic.'),
  logFilePath: z.string().optional().describe('File that the plugin writes its log to.'),
  logFileMaxSize: limit('Size in MB at which the file is rotated'),
  logFileMaxAge: limit('Days that rotated files are kept'),
  logFileMaxCount: limit('Number of rotated files that are kept'),
});

export type LogOptions = z.infer<typeof logOptionsSchema>;
