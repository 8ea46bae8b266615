// What this machine needs to reach its package registries: the settings of apt and npm, its certificates, its proxies.
// They are taken as they are found, so that no host has a name here.

import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The settings of one machine, ready to be written into a root of another. */
export interface MachineSettings {
  /** Where apt gets the release from; undefined where this machine is not of that release. */
  readonly mirror: string | undefined;
  /** Absolute paths and contents of files. */
  readonly files: Readonly<Record<string, string>>;
  /** Environment variables that programs which download look at. */
  readonly environment: Readonly<Record<string, string>>;
}

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
/** Each names a file with certificates. */
const certificateVariables = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'];
const proxyVariables = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/** Reads the settings of this machine for a root of the given Debian release. */
export function machineSettings(release: string): MachineSettings {
  const named = Object.entries(process.env).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const trusted = named.filter(([name, file]) => certificateVariables.includes(name) && existsSync(file));
  const copied = [
    ...globSync('/etc/apt/apt.conf.d/*').filter((file) => /\bAcquire\b/.test(readFileSync(file, 'utf8'))),
    ...[CERTIFICATES, ...trusted.map(([, file]) => file)].filter((file) => existsSync(file)),
  ];
  return {
    mirror: mirrorOf(release),
    files: {
      ...Object.fromEntries(copied.map((file) => [file, readFileSync(file, 'utf8')])),
      '/root/.npmrc': npmSettings(),
    },
    environment: Object.fromEntries([...trusted, ...named.filter(([name]) => proxyVariables.includes(name))]),
  };
}

/** Writes the settings' files into a root. Only root may read them: some hold passwords. */
export function writeSettings(root: string, { files }: MachineSettings): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content, { mode: path === '/root/.npmrc' ? 0o600 : 0o644 });
  }
}

/** apt knows both forms of its lists of sources. */
function mirrorOf(release: string): string | undefined {
  const args = ['indextargets', '--format', '$(CODENAME) $(SITE)', 'Created-By: Packages'];
  const { stdout } = spawnSync('apt-get', args, { encoding: 'utf8' });
  const lines = (stdout ?? '').split('\n').map((line) => line.split(' '));
  return lines.find(([codename]) => codename === release)?.[1];
}

/** npm's global settings, then the user's: of one key, the later line counts. */
function npmSettings(): string {
  return ['globalconfig', 'userconfig']
    .map((which) => spawnSync('npm', ['config', 'get', which], { encoding: 'utf8' }).stdout?.trim() ?? '')
    .filter((file) => existsSync(file))
    .map((file) => `${readFileSync(file, 'utf8').trimEnd()}\n`)
    .join('');
}
