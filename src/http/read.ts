import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { invalidateCache } from '../sql/reads/invalidate-cache.ts';
import { readRows, type RowsWanted } from '../sql/reads/read-rows.ts';
import { readState } from '../sql/reads/read-state.ts';
import { takeFreeRequests } from '../sql/requests/take-free-requests.ts';
import type { Callers } from './callers.ts';
import type { Described } from './described.ts';
import type { DoorOptions } from './door-options.ts';
import { asMistake } from './mistakes.ts';
import { Problem } from './problem.ts';
import { ReadCache } from './read-cache.ts';
import { taken } from './taken.ts';

const MOST_ROWS = 1_000;
const ROWS = 100;
const MOST_BYTES = 64 * 1024 * 1024;
const OPERATORS = /^(eq|neq|gt|gte|lt|lte|like|ilike|is)\.(.*)$/s;

const group = 'Reading';
const PREFIXES = ['/read', '/functions/v1'] as const;
const params = z.object({ name: z.string().describe('As the mapping’s option read says.') });
const example = { params: { name: 'items' } };
const row = z.looseObject({});
const invalidated = z.object({ success: z.literal(true), invalidated: z.int() });
const invalidateBody = z.strictObject({ name: z.string().nullish() });
const cacheStats = z.object({
  entries: z.int(),
  bytes: z.int(),
  most_bytes: z.int(),
  hits: z.int(),
  misses: z.int(),
  evictions: z.int(),
  by_name: z.record(z.string(), z.int()),
});

export const readRoutes: readonly Described[] = [
  ...PREFIXES.flatMap((prefix): Described[] => [
    {
      method: 'GET',
      path: `${prefix}/:name`,
      group,
      summary: 'Rows of a mapped table, in the order of the key.',
      needs: 'look',
      params,
      query: z
        .object({
          limit: z.coerce.number().int().min(1).max(MOST_ROWS).default(ROWS),
          after: z.string().optional().describe('What the answer before called next.'),
        })
        .catchall(
          z.string().describe('column=value, or column=op.value with eq, neq, gt, gte, lt, lte, like, ilike or is.'),
        ),
      answer: z.object({ data: z.array(row), next: z.string().nullable() }),
      also: { 304: 'As If-None-Match has it.' },
      example: { ...example, query: { limit: '50', id: 'gte.1' } },
    },
    {
      method: 'GET',
      path: `${prefix}/:name/:key`,
      group,
      summary: 'One row by the column that the option read names.',
      needs: 'look',
      params: params.extend({ key: z.string() }),
      answer: row,
      also: { 304: 'As If-None-Match has it.' },
      example: { params: { name: 'items', key: '1' } },
    },
    {
      method: 'GET',
      path: `${prefix}/:name/cache-stats`,
      group,
      summary: 'What this daemon remembers, of all names.',
      needs: 'look',
      params,
      answer: cacheStats,
      example,
    },
    {
      method: 'POST',
      path: `${prefix}/:name/invalidate-cache`,
      group,
      summary: 'The rows of one name are read again.',
      needs: 'operate',
      params,
      answer: invalidated,
      example,
    },
  ]),
  {
    method: 'GET',
    path: '/read/cache-stats',
    group,
    summary: 'What this daemon remembers.',
    needs: 'look',
    answer: cacheStats,
    example: {},
  },
  {
    method: 'POST',
    path: '/read/invalidate-cache',
    group,
    summary: 'Everything is read again, or one name.',
    needs: 'operate',
    body: invalidateBody,
    answer: invalidated,
    example: { body: { name: 'items' } },
  },
];

type Asked = FastifyRequest<{ Params: { name: string; key?: string }; Querystring: Record<string, string | string[]> }>;

/** Mapped tables for programs that read often: from memory while nothing changed, and never later than the next change. */
export function read(
  app: FastifyInstance,
  callers: Callers,
  { database, clock, slot, metrics }: Pick<DoorOptions, 'database' | 'clock' | 'slot' | 'metrics'>,
): void {
  const cache = new ReadCache(clock, MOST_BYTES);
  metrics.ask({ readCache: () => cache.stats() });

  const answer = async (request: Asked, reply: FastifyReply): Promise<FastifyReply> => {
    const caller = await callers.of(request);
    const { name, key } = request.params;
    const state = await readState(database, name, slot, caller.organisation);
    if (state === undefined) {
      throw new Problem(404, 'NOT_FOUND', `There is no read cache "${name}".`, {
        mend: 'Give an active mapping the option read: {"name": "…", "key": "column", "ttl": "1 h"}.',
      });
    }
    const wanted = wantedOf(request.query, key);
    const { body, etag, hit } = await cache.answer(
      {
        name,
        organisation: state.org_id,
        key: JSON.stringify([state.org_id, state.mapping, wanted]),
        tag: state.tag,
        mayKeep: state.is_settled,
        ttl: state.ttl_ms,
      },
      () => load(wanted, state.mapping),
    );
    void reply.header('x-cache', hit ? 'hit' : 'miss').header('cache-control', 'private, no-cache');
    if (body === '') throw new Problem(404, 'NOT_FOUND', `"${name}" has no row "${key ?? ''}".`);
    void reply.header('etag', etag);
    if (isSame(request.headers['if-none-match'], etag)) return reply.status(304).send();
    return reply.type('application/json; charset=utf-8').send(body);
  };

  const load = async (wanted: RowsWanted, mapping: number): Promise<string> => {
    const rows = await readRows(database, mapping, { ...wanted, limit: wanted.limit + 1 }).catch((error: unknown) => {
      throw asFilterMistake(error);
    });
    if (wanted.one !== null) return rows[0]?.content ?? '';
    const page = rows.slice(0, wanted.limit);
    const last = page.at(-1);
    const next =
      rows.length > wanted.limit && last ? Buffer.from(JSON.stringify(last.key)).toString('base64url') : null;
    return `{"data":[${page.map(({ content }) => content).join(',')}],"next":${JSON.stringify(next)}}`;
  };

  const invalidate = async (request: FastifyRequest, name: string | undefined): Promise<object> => {
    const caller = await callers.operatorOf(request);
    const invalidated = await invalidateCache(database, caller.organisation, name).catch((error: unknown) => {
      throw asMistake(error);
    });
    await takeFreeRequests(database);
    return { success: true, invalidated };
  };

  const stats = async (request: FastifyRequest): Promise<object> => {
    const { kind, organisation } = await callers.of(request);
    // A person who names no organisation is in none.
    return cache.stats(organisation ?? (kind === 'person' ? '' : undefined));
  };

  for (const prefix of PREFIXES) {
    app.get(`${prefix}/:name`, (request, reply) => answer(request as Asked, reply));
    app.get(`${prefix}/:name/:key`, (request, reply) => answer(request as Asked, reply));
    app.get(`${prefix}/:name/cache-stats`, stats);
    app.post(`${prefix}/:name/invalidate-cache`, (request) =>
      invalidate(request, (request.params as { name: string }).name),
    );
  }
  app.get('/read/cache-stats', stats);
  app.post('/read/invalidate-cache', (request) =>
    invalidate(request, taken(invalidateBody, request.body ?? {}).name ?? undefined),
  );
}

function wantedOf(query: Record<string, string | string[]>, one: string | undefined): RowsWanted {
  const { limit, after, ...columns } = query;
  const rows = limit === undefined ? ROWS : Number(limit);
  if (!Number.isInteger(rows) || rows < 1 || rows > MOST_ROWS) {
    throw new Problem(400, 'BAD_REQUEST', 'limit is not a number from 1 to 1000.', { where: 'limit' });
  }
  const filters = Object.entries(columns)
    .flatMap(([column, values]) => (Array.isArray(values) ? values : [values]).map((value) => ({ column, value })))
    .map(({ column, value }) => {
      const [, op = 'eq', rest = value] = OPERATORS.exec(value) ?? [];
      return { column, op, value: rest };
    })
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return { filters, one: one ?? null, after: keyOf(after), limit: one === undefined ? rows : 1 };
}

function keyOf(after: string | string[] | undefined): readonly string[] | null {
  if (after === undefined) return null;
  try {
    const key: unknown = JSON.parse(Buffer.from(String(after), 'base64url').toString());
    if (Array.isArray(key) && key.every((part) => typeof part === 'string')) return key;
  } catch {
    // Said below.
  }
  throw new Problem(400, 'BAD_REQUEST', 'after is not what an earlier answer called next.', { where: 'after' });
}

/** A filter whose value cannot be one of its column. */
function asFilterMistake(error: unknown): unknown {
  const { code = '' } = error as { code?: string };
  if (/^(22|42883)/.test(code)) {
    return new Problem(400, 'INVALID_VALUE', 'A filter does not fit the type of its column.');
  }
  return asMistake(error);
}

function isSame(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((one) => one.trim().replace(/^W\//, '') === etag || one.trim() === '*');
}
