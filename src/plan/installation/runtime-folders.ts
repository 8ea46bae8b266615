// In which folders a container runtime looks for CNI files, by its own words, and whether ours are there.

import { z } from 'zod';
import { checkJson } from '#api';
import { isOrbError } from '#base';

export interface RuntimeFolders {
  /** In the order in which the runtime searches them for executables. */
  readonly binFolders: readonly string[];
  /** Where it looks for configurations. */
  readonly confFolder: string;
}

/** Where the agent puts executables, and where it reads and puts configurations. */
export interface SetFolders {
  /** Undefined if it installs none. */
  readonly binFolder: string | undefined;
  readonly confFolder: string;
}

/** What go-cni tells of itself: the `Config` of containerd/go-cni, result.go. */
const cniConfigSchema = z.looseObject({
  PluginDirs: z.array(z.string()).min(1),
  PluginConfDir: z.string().min(1),
});

/** containerd's `CniConfig`, pkg/cri/config. Version 2.1 and newer have several folders of executables. */
const configSchema = z.looseObject({
  cni: z.looseObject({
    binDir: z.string().optional(),
    binDirs: z.array(z.string()).nullish(),
    confDir: z.string().min(1),
  }),
});

/**
 * What containerd says in `info` of its status (CRI, RuntimeService.Status with `verbose`). Undefined if it does not say it.
 * CRI-O has no such fields: see {@link foldersOfCrio}.
 */
export function foldersOfStatus(info: ReadonlyMap<string, string>): RuntimeFolders | undefined {
  const used = readable(cniConfigSchema, info.get('cniconfig'));
  if (used !== undefined) return { binFolders: used.PluginDirs, confFolder: used.PluginConfDir };
  const { cni } = readable(configSchema, info.get('config')) ?? {};
  if (cni === undefined) return undefined;
  const binFolders = [...(cni.binDirs ?? []), cni.binDir ?? ''].filter((folder) => folder !== '');
  return binFolders.length === 0 ? undefined : { binFolders, confFolder: cni.confDir };
}

function readable<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return checkJson(schema, text, { subject: 'status of the container runtime' });
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return undefined;
    throw error;
  }
}

/** What CRI-O says in its configuration (TOML), which it serves at `/config` of its socket. Undefined if it does not say it. */
export function foldersOfCrio(toml: string): RuntimeFolders | undefined {
  const [confFolder] = stringsOf(toml, 'network_dir');
  const binFolders = stringsOf(toml, 'plugin_dirs');
  return confFolder === undefined || binFolders.length === 0 ? undefined : { binFolders, confFolder };
}

/** The texts of `key = "…"` or `key = ["…", "…"]`. A comment is no key. */
function stringsOf(toml: string, key: string): string[] {
  const [, value = ''] =
    new RegExp(`^[ \\t]*${key}[ \\t]*=\\s*("[^"]*"|\\[[^\\]]*\\])`, 'm').exec(toml) ?? [];
  return Array.from(value.matchAll(/"([^"]*)"/g), ([, text = '']) => text).filter((text) => text !== '');
}

/** A sentence for each folder that differs. Empty if the runtime finds our files. */
export function folderDifferences(told: RuntimeFolders, set: SetFolders): string[] {
  const { binFolder, confFolder } = set;
  const bins = told.binFolders.map(plain);
  const sentences: string[] = [];
  if (binFolder !== undefined && !bins.includes(plain(binFolder)))
    sentences.push(
      `the container runtime looks for CNI executables in ${bins.join(', ')}, but the agent installs them in ${binFolder}`,
    );
  if (plain(told.confFolder) !== plain(confFolder))
    sentences.push(
      `the container runtime looks for CNI configurations in ${plain(told.confFolder)}, but orbweaver.cniConfDirectory is ${confFolder}`,
    );
  return sentences;
}

/** Without double slashes and a slash at the end. */
function plain(folder: string): string {
  return folder.replaceAll(/\/+/g, '/').replace(/(.)\/$/, '$1');
}
