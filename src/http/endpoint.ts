import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../runtime/clock.ts';
import { asCaller } from '../sql/callers/as-caller.ts';
import type { Database, Session } from '../sql/database.ts';
import type { Caller, Callers } from './callers.ts';
import type { Described } from './described.ts';
import { asMistake } from './mistakes.ts';
import type { ProgressNews } from './progress-news.ts';
import { taken } from './taken.ts';

/** What endpoints share. */
export interface Api {
  readonly database: Database;
  readonly callers: Callers;
  readonly news: ProgressNews;
  readonly clock: Clock;
  /** Milliseconds that a request may take before it is answered 202. */
  readonly patience: number;
  /** The door closes: who waits is answered now. */
  readonly stop: AbortSignal;
}

interface Asked<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Caller;
  readonly api: Api;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** One transaction as the caller. */
  readonly as: <Result>(work: (session: Session) => Promise<Result>) => Promise<Result>;
}

interface Shape<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> extends Described {
  readonly needs: 'look' | 'operate';
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** JSON text, or nothing when the reply was sent. */
  readonly run: (asked: Asked<z.output<Params>, z.output<Query>, z.output<Body>>) => Promise<string | undefined>;
}

/** An endpoint whose schemas have done their work: what remains is to register and to describe it. */
export interface Endpoint extends Described {
  readonly register: (app: FastifyInstance, api: Api) => void;
}

const nothing = z.object({});

/** One description serves for checking what comes in, for the handler's types and for the OpenAPI document. */
export function endpoint<
  Params extends z.ZodType = typeof nothing,
  Query extends z.ZodType = typeof nothing,
  Body extends z.ZodType = z.ZodUnknown,
>(shape: Shape<Params, Query, Body>): Endpoint {
  const { method, path, needs, run, ...described } = shape;
  const handle = async (request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> => {
    const { callers, database } = api;
    const caller = await (needs === 'operate' ? callers.operatorOf(request) : callers.of(request));
    const asked = {
      params: taken(shape.params ?? nothing, request.params) as z.output<Params>,
      query: taken(shape.query ?? z.looseObject({}), request.query) as z.output<Query>,
      body: taken(shape.body ?? z.unknown(), request.body ?? {}) as z.output<Body>,
      caller,
      api,
      request,
      reply,
      as: <Result>(work: (session: Session) => Promise<Result>) => asCaller(database, caller, work),
    };
    try {
      const answer = await run(asked);
      if (answer === undefined) return reply;
      return await reply.header('cache-control', 'no-store').type('application/json; charset=utf-8').send(answer);
    } catch (error) {
      throw asMistake(error);
    }
  };
  return {
    ...described,
    method,
    path,
    needs,
    register: (app, api) => {
      app.route({ method, url: path, handler: (request, reply) => handle(request, reply, api) });
    },
  };
}
