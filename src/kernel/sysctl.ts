// Sysctls of a namespace: files below /proc/sys/net. They show the namespace of the thread that reads them.

import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { errorText, OrbError } from '#base';
import { refusal } from '#net';
import { inNetns, type NetnsHandle } from './netns.ts';

const ROOT = '/proc/sys/net';

let folder = ROOT;

/**
 * Takes the node's /proc/sys/net from another folder, where a pod has it mounted. In a container without privileges, a runtime
 * makes /proc/sys read-only.
 * @throws OrbError INPUT_INVALID if sysctls cannot be written there
 */
export function useSysctlFolder(path: string): void {
  try {
    accessSync(join(path, 'ipv4/ip_forward'), constants.W_OK);
  } catch (cause) {
    const message = `the sysctls in ${path} cannot be written: mount /proc/sys/net of the node there`;
    throw new OrbError('INPUT_INVALID', { message, subject: path, said: errorText(cause), cause });
  }
  folder = path;
}

/** The value without its line end. Undefined if the kernel does not have the key. */
export function readSysctl(netns: NetnsHandle, key: string): string | undefined {
  const path = sysctlPath(key);
  return inNetns(netns, () => {
    try {
      return readFileSync(path, 'utf8').trimEnd();
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw refused(`read sysctl ${key}`, key, error);
    }
  });
}

export function writeSysctl(netns: NetnsHandle, key: string, value: string): void {
  const path = sysctlPath(key);
  inNetns(netns, () => {
    try {
      // Without O_CREAT and O_TRUNC, a missing key gives ENOENT instead of an attempt to make a file.
      writeFileSync(path, value, { flag: 'r+' });
    } catch (error) {
      throw refused(`set sysctl ${key} to ${value}`, key, error);
    }
  });
}

/** A key must name a file below /proc/sys/net. */
function sysctlPath(key: string): string {
  const parts = key.split('/');
  if (
    parts.length < 2 ||
    parts.some((part) => part === '' || part === '.' || part === '..') ||
    key.includes('\0')
  ) {
    throw new OrbError('INPUT_INVALID', {
      message: `invalid sysctl '${key}'; allowed: a path below ${ROOT} without '..', as in ipv4/conf/all/rp_filter`,
    });
  }
  return `${folder}/${key}`;
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}

function refused(doing: string, key: string, error: unknown): OrbError {
  const { errno = 0 } = error as NodeJS.ErrnoException;
  const words = getSystemErrorMap().get(errno)?.[1] ?? String(error);
  return refusal({ doing, subject: `sysctl ${key}`, errno: codeOf(error), words });
}
