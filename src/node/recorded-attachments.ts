// The records of an agent's attachments, read by another program. It changes nothing: the agent is their only writer.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isOrbError } from '#base';
import { filesIn } from '#kernel';
import { type AttachmentRecord, decodeRecord } from './attachment-record.ts';

/** All records of a folder that can be read. None if there is no folder. */
export async function readAttachments(folder: string): Promise<AttachmentRecord[]> {
  const names = filesIn(folder).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  const found = await Promise.all(names.map((name) => readAttachment(folder, name)));
  return found.filter((record) => record !== undefined);
}

/** Undefined for one that is damaged, or that the agent removes now. */
async function readAttachment(folder: string, name: string): Promise<AttachmentRecord | undefined> {
  try {
    return decodeRecord(await readFile(join(folder, name)), name);
  } catch (error) {
    if (isOrbError(error, 'ATTACHMENT_DAMAGED')) return undefined;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
