import type { FastifyRequest } from 'fastify';
import type { Callers } from './callers.ts';

export type Guard = (name: 'healthz' | 'readyz' | 'metrics') => (request: FastifyRequest) => Promise<void>;

/** What is not said to be open is open on the machine itself; from elsewhere it wants a token. */
export function createGuard(callers: Callers, open: string): Guard {
  const names = new Set(open.split(',').map((name) => name.trim()));
  return (name) => async (request) => {
    if (!names.has(name)) await callers.of(request);
  };
}
