import type { FastifyInstance } from 'fastify';

/** Lets pages of the named origins call from a browser; without any, nothing is said about it and browsers refuse. */
export function allowOrigins(app: FastifyInstance, origins: string): void {
  const allowed = new Set(
    origins
      .split(',')
      .map((origin) => origin.trim().replace(/\/$/, ''))
      .filter((origin) => origin !== ''),
  );
  if (allowed.size === 0) return;
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    void reply.header('vary', 'Origin');
    if (origin === undefined || !allowed.has(origin)) return;
    void reply
      .header('access-control-allow-origin', origin)
      .header('access-control-expose-headers', 'ETag, Location, Retry-After, X-Cache, X-Request-Id');
    if (request.method !== 'OPTIONS') return;
    return reply
      .header('access-control-allow-methods', 'GET, POST')
      .header('access-control-allow-headers', 'Authorization, Content-Type, If-None-Match, Prefer')
      .header('access-control-max-age', '600')
      .status(204)
      .send();
  });
}
