// A program of the unpacked servers, with the libraries that were unpacked beside it.

import { join } from 'node:path';

const own = join(import.meta.dirname, 'python');

/** The words that run the machine's Python with the modules that are unpacked in `root`. */
export function pythonOf(root: string): readonly [string, ...string[]] {
  return [...environmentOf(root), '/usr/bin/python3'];
}

/** A program of `root`, as `keystone-manage`. */
export const unpacked = (root: string, name: string): string => join(root, 'usr/bin', name);

/** A file of the folder `python` beside this one. */
export const ownPython = (name: string): string => join(own, name);

/** The words that run a WSGI application in uWSGI, in two processes: SQLite refuses threads. */
export function wsgi(
  root: string,
  application: string,
  address: string,
  settings: Readonly<Record<string, string>>,
): readonly [string, ...string[]] {
  return [
    ...environmentOf(root, settings),
    unpacked(root, 'uwsgi-core'),
    ...['--plugins-dir', join(root, 'usr/lib/uwsgi/plugins'), '--plugin', 'python311'],
    ...['--http-socket', address, '--wsgi-file', unpacked(root, application)],
    ...['--master', '--processes', '2', '--need-app', '--die-on-term', '--disable-logging'],
    // A token is longer than the buffer that uWSGI has by default.
    ...['--buffer-size', '65535'],
    // uWSGI hangs up without a word, and a client that keeps the connection would then lose a request.
    ...['--add-header', 'Connection: close'],
  ];
}

function environmentOf(
  root: string,
  settings: Readonly<Record<string, string>> = {},
): readonly [string, ...string[]] {
  const libraries = [
    'lib',
    'usr/lib',
    'usr/lib/x86_64-linux-gnu/blas',
    'usr/lib/x86_64-linux-gnu/lapack',
  ].map((folder) => join(root, folder.includes('linux-gnu') ? folder : `${folder}/x86_64-linux-gnu`));
  const variables = {
    PYTHONPATH: join(root, 'usr/lib/python3/dist-packages'),
    LD_LIBRARY_PATH: libraries.join(':'),
    ...settings,
  };
  return ['env', ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)];
}
