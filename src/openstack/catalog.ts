// Keystone's catalog: where each service of the cloud listens.

import { OrbError } from '#base';
import type { EndpointInterface } from './cloud-config.ts';

/** The services that are asked, by the type that a catalog has. */
export type ServiceType = 'network' | 'compute';

/** One service of `token.catalog` in Keystone's answer to a login. */
export interface CatalogService {
  readonly type: string;
  readonly endpoints: readonly CatalogEndpoint[];
}

export interface CatalogEndpoint {
  readonly interface: string;
  /** Null where the service is of no region. */
  readonly region: string | null;
  readonly url: string;
}

/**
 * The one endpoint of a service. Never the first of several: another region's servers would answer, and nothing that is
 * looked for would be there. Throws OPENSTACK_ENDPOINT_UNCLEAR.
 */
export function endpointOf(
  catalog: readonly CatalogService[],
  type: ServiceType,
  wanted: { readonly region: string | undefined; readonly interface: EndpointInterface },
): URL {
  const all = catalog.filter((service) => service.type === type).flatMap(({ endpoints }) => endpoints);
  if (all.length === 0) throw unclear(type, `has no service of type ${type}`);
  const ofInterface = all.filter((endpoint) => endpoint.interface === wanted.interface);
  if (ofInterface.length === 0)
    throw unclear(
      type,
      `has no ${wanted.interface} endpoint of ${type}; it has ${distinct(all, 'interface')}`,
    );
  const { region } = wanted;
  const chosen = ofInterface.filter((endpoint) => region === undefined || endpoint.region === region);
  if (chosen.length === 0)
    throw unclear(
      type,
      `has no endpoint of ${type} in region ${region}; it has ${distinct(ofInterface, 'region')}`,
    );
  const urls = new Set(chosen.map(({ url }) => url));
  if (urls.size > 1) {
    const where =
      region === undefined ? `regions ${distinct(chosen, 'region')}: name one` : `region ${region}`;
    throw unclear(type, `has ${urls.size} ${wanted.interface} endpoints of ${type} in ${where}`);
  }
  const [first = ''] = urls;
  const url = URL.parse(first);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw unclear(type, `has an endpoint of ${type} that is no http or https URL: ${JSON.stringify(first)}`);
  return url;
}

function distinct(endpoints: readonly CatalogEndpoint[], field: 'interface' | 'region'): string {
  return [...new Set(endpoints.map((endpoint) => endpoint[field] ?? 'none'))].toSorted().join(', ');
}

function unclear(type: ServiceType, why: string): OrbError {
  return new OrbError('OPENSTACK_ENDPOINT_UNCLEAR', { message: `the catalog ${why}`, subject: type });
}
