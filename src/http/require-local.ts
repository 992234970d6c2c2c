import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { Problem } from './problem.ts';

/** Refuses what does not come from this machine itself; what a proxy passes on comes from elsewhere. */
export async function requireLocal({ ip, headers }: FastifyRequest): Promise<void> {
  const passedOn = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  if (!passedOn && ipaddr.process(ip).range() === 'loopback') return;
  throw new Problem(403, 'PERMISSION_DENIED', 'This address answers to the machine of the daemon only.');
}
