import { createHmac } from 'node:crypto';
import pg from 'pg';
import { startAppServer, type AppAnswer, type AppRequest, type AppServer } from '../app-server.ts';

type Claims = Readonly<Record<string, unknown>>;

const COMPARE: Readonly<Record<string, string>> = {
  eq: '=',
  neq: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  like: 'like',
  ilike: 'ilike',
  is: 'is',
};
const IS = ['null', 'true', 'false', 'unknown'];
const STATUS: Readonly<Record<string, number>> = { 42501: 403, 23503: 409, 23505: 409, 42883: 404, '42P01': 404 };
const name = (text: string) => pg.escapeIdentifier(text);

class Refusal extends Error {
  readonly answer: AppAnswer;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.answer = { status, body: JSON.stringify({ code, message, details: null, hint: null }) };
  }
}

/**
 * As much of PostgREST as its JavaScript client and the requirements' snippets need: one request is one transaction of the
 * login, as the role of the token and with its claims; JSON is made by the database, so values look as they do there.
 */
export async function startPostgrest(login: string, secret: string, schemas: readonly string[]): Promise<AppServer> {
  const pool = new pg.Pool({ connectionString: login, application_name: 'test/postgrest' });
  const server = await startAppServer(async (request) => {
    const db = await pool.connect();
    try {
      await db.query('begin');
      const claims = verified(request, secret);
      await db.query(`select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, [
        claims['role'],
        JSON.stringify(claims),
      ]);
      const answer = await serve(db, request, schemaOf(request, schemas));
      await db.query('commit');
      return answer;
    } catch (error) {
      await db.query('rollback');
      if (error instanceof Refusal) return error.answer;
      if (!(error instanceof pg.DatabaseError)) throw error;
      const { code = '', message, detail = null, hint = null } = error;
      return { status: STATUS[code] ?? 400, body: JSON.stringify({ code, message, details: detail, hint }) };
    } finally {
      db.release();
    }
  });
  return {
    ...server,
    stop: async () => {
      await server.stop();
      await pool.end();
    },
  };
}

function verified({ headers }: AppRequest, secret: string): Claims {
  const [head, body, signature] = (headers.authorization ?? '').replace('Bearer ', '').split('.');
  const expected = createHmac('sha256', secret)
    .update(`${head ?? ''}.${body ?? ''}`)
    .digest('base64url');
  if (body === undefined || signature !== expected) throw new Refusal(401, 'PGRST301', 'JWSError JWSInvalidSignature');
  return JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
}

function schemaOf({ method, headers }: AppRequest, schemas: readonly string[]): string {
  const asked = headers[method === 'GET' || method === 'HEAD' ? 'accept-profile' : 'content-profile'];
  const schema = asked?.toString() ?? schemas[0] ?? '';
  if (!schemas.includes(schema)) {
    throw new Refusal(406, 'PGRST106', `The schema must be one of the following: ${schemas.join(', ')}`);
  }
  return schema;
}

async function serve(db: pg.PoolClient, request: AppRequest, schema: string): Promise<AppAnswer> {
  const path = request.url.pathname.slice(1).split('/');
  if (path[0] === 'rpc') return call(db, request, schema, path[1] ?? '');
  const table = `${name(schema)}.${name(path[0] ?? '')}`;
  const values: unknown[] = [];
  const where = conditions(request.url.searchParams, values);
  const json = request.body.toString();
  const given = [JSON.parse(json || '{}') as object | readonly object[]].flat();
  const columns = [...new Set(given.flatMap((row) => Object.keys(row)))].map(name);
  const from = (one: boolean) =>
    `json_populate_record${one ? '' : 'set'}(null::${table}, $${String(values.push(json))})`;
  switch (request.method) {
    case 'GET':
      return rows(db, request, `select ${selected(request)} from ${table} t ${where} ${ordered(request)}`, values, 200);
    case 'POST': {
      const list = Array.isArray(JSON.parse(json));
      const insert = `insert into ${table} as t (${columns.join(', ')}) select ${columns.join(', ')} from ${from(!list)}`;
      return rows(db, request, `${insert} returning ${selected(request)}`, values, 201);
    }
    case 'PATCH': {
      const set = columns.map((column) => `${column} = n.${column}`).join(', ');
      const update = `update ${table} t set ${set} from ${from(true)} n ${where}`;
      return rows(db, request, `${update} returning ${selected(request)}`, values, 200);
    }
    case 'DELETE':
      return rows(db, request, `delete from ${table} t ${where} returning ${selected(request)}`, values, 200);
    default:
      throw new Refusal(405, 'PGRST117', `Unsupported HTTP method: ${request.method}`);
  }
}

function selected({ url }: AppRequest): string {
  const asked = url.searchParams.get('select') ?? '*';
  return asked === '*' ? 't.*' : asked.split(',').map((column) => `t.${name(column)}`).join(', '); // prettier-ignore
}

function ordered({ url }: AppRequest): string {
  const order = (url.searchParams.get('order') ?? '').split(',').filter((term) => term !== '');
  const terms = order.map((term) => {
    const [column = '', ...words] = term.split('.');
    const nulls = words.includes('nullsfirst') ? ' nulls first' : words.includes('nullslast') ? ' nulls last' : '';
    return `t.${name(column)} ${words.includes('desc') ? 'desc' : 'asc'}${nulls}`;
  });
  const limit = url.searchParams.get('limit');
  return `${terms.length === 0 ? '' : `order by ${terms.join(', ')}`} ${limit === null ? '' : `limit ${String(Number(limit))}`}`;
}

function conditions(parameters: URLSearchParams, values: unknown[]): string {
  const terms: string[] = [];
  for (const [column, condition] of parameters) {
    if (['select', 'order', 'limit', 'columns', 'on_conflict'].includes(column)) continue;
    const [, not, operator = '', value = ''] = /^(not\.)?(\w+)\.(.*)$/.exec(condition) ?? [];
    const side = `t.${name(column)}`;
    if (operator === 'in') {
      const list = value.slice(1, -1).split(',').map((item) => item.replace(/^"(.*)"$/, '$1')); // prettier-ignore
      terms.push(`${not ? 'not ' : ''}${side}::text = any ($${String(values.push(list))})`);
    } else if (operator === 'is' && IS.includes(value)) {
      terms.push(`${not ? 'not ' : ''}${side} is ${value}`);
    } else if (operator !== 'is' && COMPARE[operator] !== undefined) {
      terms.push(`${not ? 'not ' : ''}${side} ${COMPARE[operator]} $${String(values.push(value))}`);
    } else {
      throw new Refusal(400, 'PGRST100', `"failed to parse filter (${condition})"`);
    }
  }
  return terms.length === 0 ? '' : `where ${terms.join(' and ')}`;
}

async function call(db: pg.PoolClient, { body }: AppRequest, schema: string, called: string): Promise<AppAnswer> {
  const given = Object.keys(JSON.parse(body.toString() || '{}') as object);
  const { rows: found } = await db.query<{ set: boolean; types: Record<string, string> }>(
    `select p.proretset as set, x.types
       from pg_proc p
      cross join lateral (select coalesce(json_object_agg(a.name, format_type(a.type, null)), '{}') as types
                            from unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[]) as a (name, type)) as x
      where p.pronamespace = $1::regnamespace and p.proname = $2 and x.types::jsonb ?& $3`,
    [schema, called, given],
  );
  const [fn] = found;
  if (fn === undefined || found.length > 1) {
    throw new Refusal(404, 'PGRST202', `Could not find the function ${schema}.${called} in the schema cache`);
  }
  const types = given.map((argument) => `${name(argument)} ${fn.types[argument] ?? ''}`).join(', ');
  const args = given.map((argument) => `${name(argument)} => a.${name(argument)}`).join(', ');
  const source = given.length === 0 ? '' : `json_to_record($1) as a (${types}) cross join lateral `;
  const result = fn.set ? `coalesce(json_agg(to_json(f)), '[]')` : 'to_json(f)';
  const { rows: answers } = await db.query<{ answer: string | null }>(
    `select (${result})::text as answer from ${source}${name(schema)}.${name(called)}(${args}) f`,
    given.length === 0 ? [] : [body.toString()],
  );
  return { status: 200, body: answers[0]?.answer ?? 'null' };
}

async function rows(
  db: pg.PoolClient,
  { headers, method }: AppRequest,
  sql: string,
  values: unknown[],
  status: number,
): Promise<AppAnswer> {
  const { rows: found } = await db.query<{ row: string }>(
    method === 'GET'
      ? `select row_to_json(r)::text as row from (${sql}) r`
      : `with r as (${sql}) select row_to_json(r)::text as row from r`,
    values,
  );
  if (method !== 'GET' && headers['prefer']?.toString().includes('return=representation') !== true) {
    return { status: method === 'POST' ? 201 : 204, body: '' };
  }
  if (headers.accept?.includes('vnd.pgrst.object') !== true) {
    return { status, body: `[${found.map(({ row }) => row).join(',')}]` };
  }
  if (found.length !== 1) {
    throw new Refusal(406, 'PGRST116', 'Cannot coerce the result to a single JSON object');
  }
  return { status, body: found[0]?.row ?? '' };
}
