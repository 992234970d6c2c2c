import { z } from 'zod';
import { listErrors, resolveError, retryError, retryErrors } from '../sql/callers/errors.ts';
import { endpoint } from './endpoint.ts';
import { limit, list, name, uuid } from './schemas.ts';

const group = 'Errors';
const params = z.object({ id: uuid });
const ID = '00000000-0000-4000-8000-000000000002';

export const errorEndpoints = [
  endpoint({
    method: 'GET',
    path: '/api/errors',
    group,
    summary: 'Errors of rows, the newest first.',
    needs: 'look',
    query: z.strictObject({
      mapping: name.optional(),
      error_class: z.string().optional(),
      include_resolved: z.enum(['true', 'false']).optional(),
      limit,
    }),
    answer: z.object({ errors: list }),
    example: { query: { mapping: 'items', limit: '50' } },
    run: async ({ as, query }) => {
      const { mapping = null, error_class = null, include_resolved: all, limit: most } = query;
      const wanted = { mapping, error_class, include_resolved: all === 'true', limit: most };
      return `{"errors":${await as((session) => listErrors(session, wanted))}}`;
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/errors/:id/retry',
    group,
    summary: 'Tries the row of an error again at once.',
    needs: 'operate',
    params,
    answer: z.object({ retried: z.int() }),
    example: { params: { id: ID } },
    run: async ({ as, params: { id } }) => `{"retried":${await as((session) => retryError(session, id))}}`,
  }),
  endpoint({
    method: 'POST',
    path: '/api/errors/:id/resolve',
    group,
    summary: 'Closes an error by hand.',
    needs: 'operate',
    params,
    body: z.strictObject({ notes: z.string().max(10_000).nullish() }),
    answer: z.object({ resolved: z.int() }),
    example: { params: { id: ID }, body: { notes: 'The vendor renamed the field.' } },
    run: async ({ as, params: { id }, body: { notes = null } }) =>
      `{"resolved":${await as((session) => resolveError(session, id, notes))}}`,
  }),
  endpoint({
    method: 'POST',
    path: '/api/errors/retry',
    group,
    summary: 'Tries all failed rows again, of one mapping or of one class.',
    needs: 'operate',
    body: z.strictObject({ mapping: name.nullish(), error_class: z.string().nullish() }),
    answer: z.object({ retried: z.int() }),
    example: { body: { mapping: 'items' } },
    run: async ({ as, body: { mapping = null, error_class: kind = null } }) =>
      `{"retried":${await as((session) => retryErrors(session, mapping, kind))}}`,
  }),
];
