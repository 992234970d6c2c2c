import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../runtime/metrics.ts';
import type { Callers } from './callers.ts';

/** Open on the machine itself; from elsewhere with a token. */
export function metricsRoute(
  app: FastifyInstance,
  callers: Callers,
  { metrics: { registry } }: { metrics: Metrics },
): void {
  app.get('/metrics', async (request, reply) => {
    await callers.of(request);
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}
