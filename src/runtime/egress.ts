import { lookup as resolve, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Fault } from '../model/fault.ts';

/** Where requests may go besides public addresses over https. Entries: `host`, `host:port`, an address, a CIDR range. */
export interface EgressRules {
  readonly allow: readonly string[];
}

/** Reads the comma-separated list of `TIDEWAY_EGRESS_ALLOW`. */
export function parseEgressAllow(text: string | undefined): EgressRules {
  const allow = (text ?? '')
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '');
  return { allow };
}

/** Ranges that hand out a machine's own credentials; no list opens them. */
const METADATA = ['169.254.0.0/16', '100.100.100.200/32', 'fd00:ec2::/32', 'fe80::/10'].map((range) =>
  ipaddr.parseCIDR(range),
);

/**
 * Refuses a URL that must not be dialled: the scheme, a user name in it, an address written out.
 * Names are judged when they are resolved, by `guardedLookup`.
 */
export function checkUrl(url: URL, rules: EgressRules): void {
  const listed = isListed(url, rules);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && listed)) {
    throw blocked(`${url.protocol}//${url.host}`, 'is not https', url.host);
  }
  if (url.username !== '' || url.password !== '') {
    throw new Fault('EGRESS_BLOCKED', `The address of ${url.host} carries a user name or password.`, {
      suggestion: 'Remove it from base_url and put it into the connection’s secret.',
    });
  }
  const host = bareHost(url);
  if (ipaddr.isValid(host)) checkAddress(host, listed, rules, url.host);
}

/** Resolves a name and refuses it when any of its addresses is not allowed: the address checked is the one dialled. */
export function guardedLookup(origin: URL, rules: EgressRules, lookup = resolveAll): LookupFunction {
  const listed = isListed(origin, rules);
  return (hostname, options, callback) => {
    lookup(hostname, (error, addresses) => {
      if (error) return callback(error, '', 4);
      try {
        if (addresses.length === 0) throw new Fault('DNS_ERROR', `${hostname} has no address.`);
        for (const { address } of addresses) checkAddress(address, listed, rules, origin.host);
      } catch (refusal) {
        return callback(refusal as NodeJS.ErrnoException, '', 4);
      }
      const first = addresses[0] as LookupAddress;
      if (options.all) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };
}

export type ResolveAll = (
  hostname: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

const resolveAll: ResolveAll = (hostname, callback) => resolve(hostname, { all: true }, callback);

function checkAddress(text: string, listed: boolean, rules: EgressRules, host: string): void {
  // `process` unwraps IPv4 addresses written as IPv6, which would otherwise pass as another range.
  const address = ipaddr.process(text);
  if (METADATA.some((range) => within(address, range))) {
    throw new Fault('EGRESS_BLOCKED', `${host} leads to ${text}, where machines keep their credentials.`, {
      suggestion: 'No setting opens this address; correct base_url.',
    });
  }
  if (address.range() === 'unicast' || listed) return;
  if (rules.allow.some((entry) => entry.includes('/') && inRange(address, entry))) return;
  throw blocked(host, `leads to ${text}, which is not a public address`, host);
}

function isListed(url: URL, rules: EgressRules): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const host = bareHost(url);
  return rules.allow.some((entry) => {
    if (entry === host || entry === url.hostname) return true;
    if (entry === `${url.hostname}:${port}`) return true;
    return entry.includes('/') && ipaddr.isValid(host) && inRange(ipaddr.process(host), entry);
  });
}

function inRange(address: ipaddr.IPv4 | ipaddr.IPv6, entry: string): boolean {
  return ipaddr.isValidCIDR(entry) && within(address, ipaddr.parseCIDR(entry));
}

function within(address: ipaddr.IPv4 | ipaddr.IPv6, range: [ipaddr.IPv4 | ipaddr.IPv6, number]): boolean {
  return address.kind() === range[0].kind() && address.match(range);
}

/** The host without the brackets of an IPv6 address. */
function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function blocked(what: string, why: string, host: string): Fault {
  return new Fault('EGRESS_BLOCKED', `${what} ${why}.`, {
    suggestion: `If this is meant, add ${host} to TIDEWAY_EGRESS_ALLOW; else correct base_url.`,
  });
}
