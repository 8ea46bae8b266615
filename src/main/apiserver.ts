// The embedded API server as a program: flags, token, kubeconfig, signals.

import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import {
  type NetworkAttachmentDefinition,
  type Node,
  resources,
  type SpiderIPPool,
  type SpiderMultusConfig,
  type SpiderSubnet,
} from '#api';
import { ApiServer, apiClusterIps, poolAdmission } from '#apiserver';
import { errorText, type LogFields, type Logger, OrbError, systemClock } from '#base';
import { parseNetwork } from '#ip';
import {
  type Certificate,
  type CommandLine,
  newKey,
  runProgram,
  selfSigned,
  stillServes,
  untilSignal,
  wholeNumber,
} from '#program';

const USAGE = `usage: apiserver --data-dir DIR --token-file FILE [--listen HOST:PORT ...] [--listen-fd FD ...]
  [--listen-plain HOST:PORT ...] [--tls-name NAME ...] [--advertise HOST:PORT ...] [--kubeconfig FILE]
  [--service-cidr NETWORK,...] [--node-port-range FIRST-LAST]
--listen and --listen-fd speak TLS; --tls-name adds addresses or names to the certificate.
--advertise names the address of the server for pods: the endpoints of the Service kubernetes.
  The default is the first --listen.
Prints {"url": ...} on its own line when it is ready.`;

/** The names by which pods reach the server. */
const serviceNames = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
];

const options = {
  'data-dir': { type: 'string' },
  'token-file': { type: 'string' },
  listen: { type: 'string', multiple: true },
  'listen-fd': { type: 'string', multiple: true },
  'listen-plain': { type: 'string', multiple: true },
  'tls-name': { type: 'string', multiple: true },
  advertise: { type: 'string', multiple: true },
  kubeconfig: { type: 'string' },
  'service-cidr': { type: 'string', default: '10.96.0.0/16' },
  'node-port-range': { type: 'string', default: '30000-32767' },
} as const;

/** Serves until a signal comes or the disk fails, and resolves with the exit code. */
async function serve(values: CommandLine<typeof options>['values']): Promise<number> {
  const diskFailed = Promise.withResolvers<number>();
  const dataDirectory = required(values['data-dir'], '--data-dir');
  const tokenFile = required(values['token-file'], '--token-file');
  const fds = (values['listen-fd'] ?? []).map((fd) => ({
    fd: wholeNumber('--listen-fd', fd, 0, 2 ** 31 - 1),
  }));
  const plain = readAddresses('--listen-plain', values['listen-plain']);
  const addresses = values.listen ?? (fds.length + plain.length > 0 ? [] : ['127.0.0.1:0']);
  const secure = readAddresses('--listen', addresses);
  const advertised = readAddresses('--advertise', values.advertise);
  const services = {
    clusterCidrs: values['service-cidr'].split(',').map(parseNetwork),
    nodePorts: readPortRange(values['node-port-range']),
  };
  // The whole command line is read before anything is written.
  const token = readToken(tokenFile);
  const names = [
    ...['localhost', '127.0.0.1', '::1', ...apiClusterIps(services), ...serviceNames],
    ...[...secure, ...advertised].map(({ host }) => host),
    ...(values['tls-name'] ?? []),
  ];
  const tls = readCertificate(dataDirectory, [...new Set(names)]);
  const server: ApiServer = new ApiServer({
    dataDirectory,
    token,
    services,
    authority: tls.certificate,
    admission: poolAdmission({
      pools: () => server.objects(resources.spiderIPPools) as unknown as SpiderIPPool[],
      subnets: () => server.objects(resources.spiderSubnets) as unknown as SpiderSubnet[],
      nodes: () => server.objects(resources.nodes) as unknown as Node[],
      multusConfigs: () => server.objects(resources.spiderMultusConfigs) as unknown as SpiderMultusConfig[],
      definitions: () =>
        server.objects(resources.networkAttachmentDefinitions) as unknown as NetworkAttachmentDefinition[],
    }),
    clock: systemClock,
    logger: stderrLogger({}),
    onDiskFailure: (error) => {
      console.error(`apiserver: the disk failed, so later writes would be lost: ${errorText(error)}`);
      diskFailed.resolve(1);
    },
  });
  await server.start();
  const urls: string[] = [];
  for (const place of secure) {
    const port = await server.listen({ ...place, tls });
    urls.push(urlOf('https', place.host, port));
    // Endpoints are addresses: neither a name nor the wildcard address is allowed.
    if (values.advertise === undefined && isIP(place.host) !== 0 && !/^[0.:]+$/.test(place.host))
      advertised.push({ host: place.host, port });
  }
  for (const place of plain) urls.push(urlOf('http', place.host, await server.listen(place)));
  for (const place of fds) await server.listen({ ...place, tls });
  await server.advertise(advertised.map(({ host, port }) => ({ address: host, port })));
  const url = urls[0] ?? null;
  if (values.kubeconfig !== undefined && url !== null)
    writeSecret(values.kubeconfig, kubeconfig(url, token, tls));
  const stopped = untilSignal('SIGTERM', 'SIGINT').then(async () => {
    await server.close();
    return 0;
  });
  console.log(JSON.stringify({ url }));
  return await Promise.race([stopped, diskFailed.promise]);
}

function required(value: string | undefined, flag: string): string {
  if (value === undefined || value === '')
    throw new OrbError('INPUT_INVALID', { message: `${flag} is missing\n${USAGE}` });
  return value;
}

/** Reads the token from the file, or makes it if there is none. */
function readToken(file: string): string {
  return readOrMake(file, () => `${randomBytes(32).toString('hex')}\n`).trim();
}

/**
 * Key and certificate are kept over restarts. Clients trust exactly this certificate, and a new one with the same key would fail
 * (X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT). They are made again if the certificate lacks a name or expires soon.
 */
function readCertificate(folder: string, names: readonly string[]): Certificate {
  const key = readOrMake(join(folder, 'tls.key'), newKey);
  const make = () => selfSigned(key, names, systemClock.now()).certificate;
  const file = join(folder, 'tls.crt');
  const stored = { key, certificate: readOrMake(file, make) };
  if (stillServes(stored, names, systemClock.now())) return stored;
  const certificate = make();
  writeSecret(file, certificate);
  return { key, certificate };
}

function readOrMake(file: string, make: () => string): string {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.trim() !== '') return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const made = make();
  writeSecret(file, made);
  return made;
}

function urlOf(scheme: string, host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Writes a file that only its owner can read. Readers see the old file or the new one, never a part. */
function writeSecret(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
}

function readAddresses(flag: string, texts: readonly string[] = []): { host: string; port: number }[] {
  return texts.map((text) => {
    const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
    const port = Number(found?.[3]);
    if (found === null || port > 65_535) {
      throw new OrbError('INPUT_INVALID', {
        message: `${flag} '${text}': allowed: HOST:PORT, an IPv6 address in brackets`,
      });
    }
    return { host: found[1] ?? found[2] ?? '', port };
  });
}

function readPortRange(text: string): { first: number; last: number } {
  const found = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(found?.[1]), Number(found?.[2])];
  if (found === null || first < 1 || last > 65_535 || first > last) {
    throw new OrbError('INPUT_INVALID', {
      message: `--node-port-range '${text}': allowed: FIRST-LAST within 1-65535`,
    });
  }
  return { first, last };
}

/** A kubeconfig for the only user. JSON is valid YAML. */
function kubeconfig(url: string, token: string, tls: Certificate): string {
  const name = 'orbweaver';
  const authority = Buffer.from(tls.certificate).toString('base64');
  const cluster = {
    server: url,
    ...(url.startsWith('https:') && { 'certificate-authority-data': authority }),
  };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function stderrLogger(fields: LogFields): Logger {
  const log = (level: string) => (more: LogFields, message: string) => {
    console.error(JSON.stringify({ level, time: new Date().toISOString(), ...fields, ...more, message }));
  };
  const [info, warn, error] = [log('info'), log('warn'), log('error')];
  return { debug: () => {}, info, warn, error, child: (more) => stderrLogger({ ...fields, ...more }) };
}

await runProgram({ name: 'apiserver', usage: USAGE, options, run: ({ values }) => serve(values) });
