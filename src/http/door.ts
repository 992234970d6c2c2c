import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { messageOf, TidewayError } from '../runtime/errors.ts';
import { Callers } from './callers.ts';
import { allowOrigins } from './cors.ts';
import type { DoorOptions } from './door-options.ts';
import { ENDPOINTS } from './endpoints.ts';
import { createGuard } from './guard.ts';
import { healthz } from './healthz.ts';
import { isTooDeep } from './is-too-deep.ts';
import { metricsRoute } from './metrics-route.ts';
import { openApi, requireDescription } from './openapi.ts';
import { asProblem, Problem, problemBody } from './problem.ts';
import { ProgressNews } from './progress-news.ts';
import { read } from './read.ts';
import { readyz } from './readyz.ts';
import { webhooks } from './webhooks.ts';

export interface Door {
  /** Where it listens, as a URL. */
  readonly url: string;
  /** Answers what is under way and takes nothing new. */
  readonly close: () => Promise<void>;
}

const BODY_LIMIT = 1024 * 1024;

/** Listens for apps that ring, for probes, and for people's programs. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { host, port, metrics, log, arriveWithin = 30_000, mostSockets = 1_000 } = options;
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: arriveWithin,
    connectionTimeout: 60_000,
    keepAliveTimeout: 72_000,
    maxRequestsPerSocket: 0,
    // Who sends a byte now and then holds a connection no longer than the limit and one look.
    http: { maxHeaderSize: 16 * 1024, headersTimeout: arriveWithin, connectionsCheckingInterval: arriveWithin / 6 },
    routerOptions: { maxParamLength: 200 },
    forceCloseConnections: 'idle',
    genReqId: () => randomUUID(),
    return503OnClosing: true,
    logger: false,
  });
  app.addHook('onRoute', ({ method, url }) => {
    // Fastify answers HEAD wherever it answers GET.
    for (const one of [method].flat()) if (one !== 'HEAD') requireDescription(one, url);
  });
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    metrics.requests.observe(
      { method: request.method, route: request.routeOptions.url ?? 'unknown', status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    );
  });
  app.setNotFoundHandler(() => {
    throw new Problem(404, 'NOT_FOUND', 'There is nothing at this address.');
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = asProblem(error);
    if (problem.status >= 500) {
      log.error(
        {
          event: 'http.request.failed',
          request: request.id,
          route: request.routeOptions.url,
          why: messageOf((error as { cause?: unknown }).cause ?? error),
        },
        'A request failed',
      );
    }
    if (problem.retryAfter !== undefined) void reply.header('retry-after', String(problem.retryAfter));
    return reply
      .status(problem.status)
      .type('application/problem+json')
      .send(JSON.stringify(problemBody(problem, request.id)));
  });
  // A request without a body may still name its type, as cron jobs do.
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else if (isTooDeep(body as string))
      done(new Problem(400, 'BAD_REQUEST', 'The body is nested too deep.'), undefined);
    else void parse(request, body as string, done);
  });
  allowOrigins(app, options.origins);
  app.server.maxConnections = mostSockets;

  const callers = new Callers(options);
  const guard = createGuard(callers, options.open);
  const news = new ProgressNews();
  const stop = new AbortController();
  // Everybody who waits hears it.
  setMaxListeners(0, stop.signal);
  app.addHook('preClose', async () => stop.abort());
  healthz(app, guard);
  readyz(app, guard, options);
  metricsRoute(app, callers, { ...options, isOpen: guard.isOpen('metrics') });
  read(app, callers, options);
  const api = { ...options, callers, news, stop: stop.signal };
  for (const { register } of ENDPOINTS) register(app, api);
  const description = JSON.stringify(openApi());
  app.get('/openapi.json', (_request, reply) => reply.type('application/json; charset=utf-8').send(description));
  await news.start(options.database);
  const rung = await webhooks(app, options);
  await app.listen({ host, port }).catch((error: unknown) => {
    throw new TidewayError('TWH01', `The address of the HTTP door cannot be taken: ${messageOf(error)}`, {
      where: `${host}:${String(port)}`,
      mend: 'Set TIDEWAY_HTTP_PORT to a free port (0 takes any), or stop what listens there.',
      cause: error,
    });
  });
  return {
    url: addressOf(app),
    close: async () => {
      await app.close();
      await news.close();
      await rung.close();
    },
  };
}

function addressOf(app: FastifyInstance): string {
  const { address, port, family } = app.server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${String(port)}`;
}
