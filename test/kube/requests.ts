// A program for the cluster: sends requests to the API server with the token of a kubeconfig, and prints the answers.
// Its argument is the kubeconfig. Standard input has a list of requests as JSON, and so has the output of answers.

import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';

export interface RawRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

export interface RawAnswer {
  readonly code: number;
  readonly body: string;
}

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: Readonly<Record<string, string>> }];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

async function send(config: Kubeconfig, { method, path, body }: RawRequest): Promise<RawAnswer> {
  const { server = '', 'certificate-authority': authority = '' } = config.clusters[0].cluster;
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const headers = { authorization: `Bearer ${config.users[0].user.token}`, 'content-type': type };
  return new Promise((resolve, reject) => {
    const sent = request(`${server}${path}`, { method, headers, ca: readFileSync(authority) }, (answer) => {
      text(answer).then((body) => resolve({ code: answer.statusCode ?? 0, body }), reject);
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

if (import.meta.main) {
  const config = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Kubeconfig;
  const requests = JSON.parse(await text(process.stdin)) as RawRequest[];
  console.log(JSON.stringify(await Promise.all(requests.map((each) => send(config, each)))));
}
