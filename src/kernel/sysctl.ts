// Sysctls of a namespace: files below /proc/sys/net. They show the namespace of the thread that reads them.

import { readFileSync, writeFileSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { OrbError } from '#base';
import { refusal } from '#net';
import { inNetns, type NetnsHandle } from './netns.ts';

const ROOT = '/proc/sys/net';

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
  return `${ROOT}/${key}`;
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}

function refused(doing: string, key: string, error: unknown): OrbError {
  const { errno = 0 } = error as NodeJS.ErrnoException;
  const words = getSystemErrorMap().get(errno)?.[1] ?? String(error);
  return refusal({ doing, subject: `sysctl ${key}`, errno: codeOf(error), words });
}
