// The certificates of the connection to the provider, from files: a mounted Secret, whose content may change.

import { readFileSync } from 'node:fs';
import { errorText, OrbError } from '#base';
import type { TlsIdentity } from '#http';

/** Paths of PEM files. An empty one stands for none: the authorities of the system, and no certificate of ours. */
export interface TlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** What the files have now. Throws IAAS_UNREACHABLE, which names the file that cannot be read. */
export function readTls({ caFile, certFile, keyFile }: TlsFiles): TlsIdentity {
  return {
    ...(caFile !== '' && { ca: content('caFile', caFile) }),
    ...(certFile !== '' && { cert: content('certFile', certFile) }),
    ...(keyFile !== '' && { key: content('keyFile', keyFile) }),
  };
}

function content(key: keyof TlsFiles, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const message = `iaasNetworkProvider.tls.${key} ${path} cannot be read`;
    throw new OrbError('IAAS_UNREACHABLE', { message, subject: path, said: errorText(cause), cause });
  }
}
