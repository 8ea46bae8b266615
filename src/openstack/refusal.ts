// Turns an answer that is no success into an error. Each server of OpenStack words its refusals in its own way.

import { type ErrorCode, isOrbError, OrbError } from '#base';
import { withoutSecrets } from './secrets.ts';

/** What a server said of its refusal. */
export interface Refusal {
  readonly status: number;
  /** Neutron's name of the error, as `IpAddressGenerationFailure`; Nova's key, as `itemNotFound`. Undefined for a text that no server of OpenStack writes. */
  readonly type: string | undefined;
  readonly said: string;
}

/** Names of Neutron's errors that mean more than their status (neutron_lib.exceptions). */
const codeOfType: Readonly<Record<string, ErrorCode>> = {
  OverQuota: 'OPENSTACK_QUOTA',
  IpAddressGenerationFailure: 'OPENSTACK_SUBNET_FULL',
  AllowedAddressPairExhausted: 'OPENSTACK_PAIRS_FULL',
  RoutesExhausted: 'OPENSTACK_ROUTES_FULL',
  RevisionNumberConstraintFailed: 'OPENSTACK_CHANGED',
};

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'OPENSTACK_LOGIN_REFUSED',
  403: 'OPENSTACK_FORBIDDEN',
  409: 'OPENSTACK_CONFLICT',
  412: 'OPENSTACK_CHANGED',
  429: 'OPENSTACK_UNREACHABLE',
};

/** The longest text of a page that becomes a part of a message. */
const SAID_MAXIMUM = 300;

/** Reads the body of a refusal: of Neutron, of Keystone, of Nova, or any page of a proxy. */
export function readRefusal(status: number, text: string): Refusal {
  const body = objectOf(text);
  const neutron = Object(body.NeutronError) as { type?: unknown; message?: unknown };
  if (typeof neutron.type === 'string') {
    const said = typeof neutron.message === 'string' ? neutron.message : neutron.type;
    return { status, type: neutron.type, said };
  }
  // Keystone: {"error": {…}}; Nova: {"itemNotFound": {…}}.
  const [[key, value] = ['', undefined], ...others] = Object.entries(body);
  const { code, message } = Object(value) as { code?: unknown; message?: unknown };
  if (others.length === 0 && code === status && typeof message === 'string')
    return { status, type: key, said: message };
  const words = text
    .replaceAll(/<(style|script)[\s\S]*?<\/\1>|<[^>]*>/gi, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return { status, type: undefined, said: words.slice(0, SAID_MAXIMUM) };
}

/**
 * Whether the server itself says that the object does not exist. A 404 in other words may come from a proxy, or from a
 * wrong path: it says nothing about the object.
 */
export function isAbsence({ status, type }: Refusal): boolean {
  return status === 404 && type !== undefined && (type.endsWith('NotFound') || type === 'itemNotFound');
}

/** Of a write that failed: whether nobody knows if it was done. */
export function isUncertain(error: unknown): boolean {
  return !isOrbError(error) || ['OPENSTACK_UNREACHABLE', 'OPENSTACK_MALFORMED'].includes(error.code);
}

/** Whether there may be room for fewer than were asked for. */
export function isScarce(error: unknown): boolean {
  const codes = ['OPENSTACK_SUBNET_FULL', 'OPENSTACK_QUOTA', 'OPENSTACK_PAIRS_FULL'];
  return isOrbError(error) && codes.includes(error.code);
}

/** The error for a refusal of what `action` names ("read port 6e…"). `requestId` is the server's. */
export function refusalError(
  refusal: Refusal,
  { action, service, requestId, secrets }: RefusalContext,
): OrbError {
  const { status, type, said } = refusal;
  const code = (type === undefined ? undefined : codeOfType[type]) ?? codeByStatus(refusal);
  const id = requestId === undefined ? '' : ` (request ${requestId})`;
  const words = withoutSecrets(said, secrets);
  return new OrbError(code, {
    message: `${service} answered ${status} to ${action}${id}`,
    subject: action,
    ...(words !== '' && { said: words }),
  });
}

interface RefusalContext {
  readonly action: string;
  /** "Neutron", as messages call the server. */
  readonly service: string;
  readonly requestId: string | undefined;
  readonly secrets: readonly string[];
}

function codeByStatus(refusal: Refusal): ErrorCode {
  const { status } = refusal;
  if (isAbsence(refusal)) return 'OPENSTACK_NOT_FOUND';
  if (status >= 500 || status === 404) return 'OPENSTACK_UNREACHABLE';
  return codeOfStatus[status] ?? 'OPENSTACK_REFUSED';
}

function objectOf(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
}
