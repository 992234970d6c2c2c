import type { FastifyRequest } from 'fastify';
import type { Callers } from './callers.ts';

export interface Guard {
  readonly isOpen: (name: 'healthz' | 'readyz' | 'metrics') => boolean;
  /** Lets a request pass, or throws. */
  readonly of: (name: 'healthz' | 'readyz') => (request: FastifyRequest) => Promise<void>;
}

/** What is not said to be open is open on the machine itself; from elsewhere it wants a token. */
export function createGuard(callers: Callers, open: string): Guard {
  const names = new Set(open.split(',').map((name) => name.trim()));
  const isOpen: Guard['isOpen'] = (name) => names.has(name);
  return {
    isOpen,
    of: (name) => async (request) => {
      if (!isOpen(name)) await callers.of(request);
    },
  };
}
