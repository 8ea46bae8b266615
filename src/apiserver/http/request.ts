// Reads the path and query of a request (Kubernetes API concepts, "Resource URIs").

/** A path below /api or /apis that names a resource. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  /** Empty when the path names no namespace: all namespaces, or a cluster-wide kind. */
  readonly namespace: string;
  readonly plural: string;
  readonly name: string;
  readonly subresource: string;
}

/** Path and query of a URL, separated. */
export interface RequestUrl {
  readonly path: string;
  readonly query: URLSearchParams;
}

const noQuery = new URLSearchParams();

export function splitUrl(url: string): RequestUrl {
  const mark = url.indexOf('?');
  if (mark < 0) return { path: url, query: noQuery };
  return { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}

/** The resource that a path names; undefined when it names none. */
export function resourcePath(path: string): ResourcePath | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  const isCore = parts[0] === 'api';
  if (!isCore && parts[0] !== 'apis') return undefined;
  const [group, version] = isCore ? ['', parts[1]] : [parts[1], parts[2]];
  const rest = parts.slice(isCore ? 2 : 3);
  if (version === undefined || group === undefined || rest.length === 0) return undefined;
  const make = (namespace: string, plural = '', name = '', subresource = '') => ({
    group,
    version,
    namespace,
    plural,
    name,
    subresource,
  });
  // /namespaces/NAME and its subresources mean the namespace itself. Longer paths mean its content.
  const inside =
    rest[0] === 'namespaces' && rest.length >= 3 && rest[2] !== 'status' && rest[2] !== 'finalize';
  if (inside) return rest.length > 5 ? undefined : make(rest[1] ?? '', rest[2], rest[3], rest[4]);
  return rest.length > 3 ? undefined : make('', rest[0], rest[1], rest[2]);
}

function decoded(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    // This is not a valid escape. The name stays as it is, and no object has it.
    return part;
  }
}
