import { z } from 'zod';
import type { Fault } from '../../model/fault.ts';
import { type FaultCode, type FaultOptions } from '../../model/fault.ts';
import type { HttpAnswer } from '../../runtime/http-client.ts';
import type { BudgetNews } from '../../runtime/rate-limit.ts';
import type { Session } from '../connector.ts';
import { accessToken } from './access-token.ts';
import { API_VERSION, shopUrl, type ShopifySettings } from './settings.ts';

export type ShopifySession = Session<ShopifySettings>;

/** An object as the shop answered it; its fields are checked where they are read. */
export type Node = Readonly<Record<string, unknown>>;

export interface GraphqlRequest {
  readonly document: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Predicted points. */
  readonly cost: number;
  /** True for a document that changes something. */
  readonly writes?: boolean;
}

export interface GraphqlReply {
  readonly data: Node;
  /** Errors of single fields; only a document that writes gets here with any. */
  readonly errors: readonly GraphqlError[];
  /** The shop's clock, ISO 8601. */
  readonly at: string;
  readonly answer: HttpAnswer;
}

const node = z.record(z.string(), z.unknown());

const graphqlError = z.object({
  message: z.string(),
  path: z.array(z.union([z.string(), z.number()])).optional(),
  extensions: z
    .object({
      code: z.string().optional(),
      problems: z
        .array(z.object({ path: z.array(z.union([z.string(), z.number()])), explanation: z.string() }))
        .optional(),
    })
    .optional(),
});

export type GraphqlError = z.infer<typeof graphqlError>;

const throttleStatus = z.object({
  maximumAvailable: z.number(),
  currentlyAvailable: z.number(),
  restoreRate: z.number().positive(),
});

const envelope = z.object({
  data: node.nullish(),
  errors: z.union([z.array(graphqlError), z.string(), node]).optional(),
  extensions: z
    .object({
      cost: z
        .object({
          requestedQueryCost: z.number().nullish(),
          actualQueryCost: z.number().nullish(),
          throttleStatus: throttleStatus.optional(),
        })
        .optional(),
      search: z
        .array(
          z.object({
            query: z.string().optional(),
            warnings: z
              .array(z.object({ field: z.string().nullish(), message: z.string(), code: z.string().nullish() }))
              .nullish(),
          }),
        )
        .optional(),
    })
    .optional(),
});

type Envelope = z.infer<typeof envelope>;

/** A connection of Relay's kind, as every list of the shop is. */
export const connection = z.object({
  nodes: z.array(node),
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
});

/** Sends one document. Throws a `Fault` unless the shop worked on it under the version that was asked for. */
export async function ask(session: ShopifySession, request: GraphqlRequest): Promise<GraphqlReply> {
  const token = await accessToken(session);
  const first = await send(session, request, token);
  if (first.status !== 401) return judge(session, request, first);
  // A token may end early; one renewal is tried, and the refused request did nothing.
  const renewed = await accessToken(session, token);
  if (renewed === token) throw refused(first);
  return judge(session, request, await send(session, request, renewed));
}

/** What a document that reads `first` nodes of a list costs at most, `objects` being the objects in each node. */
export function listCost(first: number, objects: number): number {
  return 2 + Math.floor(Math.max(1, Math.floor(2 * Math.log(first))) * (1 + objects));
}

/** The most points that one document may ask for, with some room for our guess. */
export const MOST_POINTS = 900;

/** Different objects that a selection asks for; amounts of money and addresses cost nothing. */
export function objectsIn(selection: string): number {
  const names = [...selection.matchAll(/(\w+)(?::\w+)?(?:\([^)]*\))?\{/g)].map(([, name = '']) => name);
  return new Set(names.filter((name) => !/(?:Set|Money|Address)$/.test(name))).size;
}

async function send(session: ShopifySession, request: GraphqlRequest, token: string): Promise<HttpAnswer> {
  return session.http.send({
    method: 'POST',
    url: `${shopUrl(session.settings)}/admin/api/${API_VERSION}/graphql.json`,
    headers: { 'x-shopify-access-token': token },
    json: { query: request.document, variables: request.variables ?? {} },
    safe: !request.writes,
    cost: request.cost,
    readBudget,
  });
}

function readBudget(answer: HttpAnswer): BudgetNews {
  if (answer.status !== 200) return {};
  const said = readEnvelope(answer);
  const status = said?.extensions?.cost?.throttleStatus;
  if (status === undefined) return {};
  return {
    points: {
      available: status.currentlyAvailable,
      capacity: status.maximumAvailable,
      restorePerSecond: status.restoreRate,
    },
    ...(isThrottled(said) ? { throttled: { retryAfter: waitOf(said) } } : {}),
  };
}

function readEnvelope(answer: HttpAnswer): Envelope | undefined {
  try {
    return envelope.safeParse(answer.json()).data;
  } catch {
    return undefined;
  }
}

function isThrottled(said: Envelope | undefined): boolean {
  return Array.isArray(said?.errors) && said.errors.some(({ extensions }) => extensions?.code === 'THROTTLED');
}

/** Milliseconds until the bucket holds what the refused document asks for. */
function waitOf(said: Envelope | undefined): number {
  const cost = said?.extensions?.cost;
  const status = cost?.throttleStatus;
  if (!status) return 1000;
  const short = (cost?.requestedQueryCost ?? 0) - status.currentlyAvailable;
  return Math.max(0, Math.ceil((short / status.restoreRate) * 1000));
}

function judge(session: ShopifySession, request: GraphqlRequest, answer: HttpAnswer): GraphqlReply {
  if (answer.status !== 200) throw refused(answer);
  const said = envelope.safeParse(answer.json()).data;
  if (said === undefined) throw answer.fault('the answer is no GraphQL answer', { code: 'BAD_RESPONSE' });
  const errors = Array.isArray(said.errors) ? said.errors : [];
  if (!Array.isArray(said.errors) && said.errors !== undefined) {
    throw answer.fault(JSON.stringify(said.errors), { code: 'REQUEST_REFUSED' });
  }
  if (isThrottled(said)) {
    throw answer.fault('the budget of points is used up', {
      code: 'RATE_LIMITED',
      retryAfter: waitOf(said),
      uncertain: false,
    });
  }
  const [error] = errors;
  if (!said.data) {
    if (error === undefined) throw answer.fault('the answer holds neither data nor errors', { code: 'BAD_RESPONSE' });
    throw graphqlFault(answer, error, request.writes ?? false);
  }
  checkVersion(request, answer);
  const warning = said.extensions?.search?.flatMap(({ warnings }) => warnings ?? [])[0];
  if (warning !== undefined) {
    // Shopify ignores a term that it does not understand and answers with every record.
    throw answer.fault(`Shopify did not understand the search at "${warning.field ?? ''}": ${warning.message}`, {
      code: 'SETTINGS_INVALID',
      suggestion: 'Correct the filter of the mapping.',
    });
  }
  if (error !== undefined && !request.writes) throw graphqlFault(answer, error, false);
  return { data: said.data, errors, at: clockOf(session, answer), answer };
}

/** A version that has ended is served by the oldest living one, without a word. */
function checkVersion(request: GraphqlRequest, answer: HttpAnswer): void {
  const served = answer.headers['x-shopify-api-version'];
  if (served === undefined || served === API_VERSION) return;
  throw answer.fault(`Shopify answered with version ${served} of its API, not ${API_VERSION}`, {
    code: 'SETTINGS_INVALID',
    uncertain: request.writes ?? false,
    suggestion: 'Update Tideway: the version that it was made for has ended.',
  });
}

function clockOf(session: ShopifySession, answer: HttpAnswer): string {
  const time = Date.parse(answer.headers['date'] ?? '');
  return new Date(Number.isNaN(time) ? session.now() : time).toISOString();
}

const SUGGESTIONS: Readonly<Record<number, string>> = {
  402: 'The shop is frozen: its owner has to pay its bill; then resume the connection.',
  403: 'Give the app the missing scope, or ask for an expiring token; then resume the connection.',
  404: 'Check the name of the shop.',
  423: 'Shopify has locked the shop; its owner has to write to Shopify.',
};

const STATUS_CODES: Readonly<Record<number, FaultCode>> = {
  402: 'PERMISSION_DENIED',
  423: 'PERMISSION_DENIED',
  430: 'REQUEST_REFUSED',
};

function refused(answer: HttpAnswer): Fault {
  const said = readRefusal(answer);
  const code = STATUS_CODES[answer.status];
  const suggestion = SUGGESTIONS[answer.status];
  return answer.fault(said, {
    ...(code === undefined ? {} : { code }),
    ...(suggestion === undefined ? {} : { suggestion }),
  });
}

function readRefusal(answer: HttpAnswer): string | undefined {
  try {
    const said = z.object({ errors: z.unknown() }).safeParse(answer.json()).data?.errors;
    return typeof said === 'string' ? said : said === undefined ? undefined : JSON.stringify(said);
  } catch {
    return undefined;
  }
}

interface Meaning {
  readonly code: FaultCode;
  /** Whether a write may have happened all the same. */
  readonly uncertain?: boolean;
  readonly suggestion?: string;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  THROTTLED: { code: 'RATE_LIMITED' },
  MAX_COST_EXCEEDED: { code: 'PAYLOAD_TOO_LARGE', suggestion: 'Map fewer columns.' },
  MAX_INPUT_SIZE_EXCEEDED: { code: 'PAYLOAD_TOO_LARGE' },
  ACCESS_DENIED: { code: 'PERMISSION_DENIED', suggestion: 'Give the app the scope that the message names.' },
  SHOP_INACTIVE: { code: 'PERMISSION_DENIED' },
  INTERNAL_SERVER_ERROR: { code: 'SERVER_ERROR', uncertain: true },
  TIMEOUT: { code: 'SERVER_ERROR', uncertain: true },
  // An earlier request with this key is at work: what it does will be seen.
  IDEMPOTENCY_CONCURRENT_REQUEST: { code: 'SERVER_ERROR', uncertain: true },
  IDEMPOTENCY_KEY_PARAMETER_MISMATCH: { code: 'CONFLICT' },
  IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED: { code: 'CONFLICT' },
  INVALID_VARIABLE: { code: 'VALUE_REFUSED' },
  undefinedField: {
    code: 'MAPPING_FIELD_MISSING',
    suggestion: 'Discover the connection again and correct the mapping.',
  },
};

export function graphqlFault(answer: HttpAnswer, error: GraphqlError, writes: boolean): Fault {
  const code = error.extensions?.code ?? '';
  const meaning = MEANINGS[code] ?? meaningOf(error.message);
  const problem = error.extensions?.problems?.[0];
  const options: FaultOptions & { code: FaultCode } = {
    code: meaning.code,
    uncertain: writes && (meaning.uncertain ?? false),
    ...(meaning.suggestion === undefined ? {} : { suggestion: meaning.suggestion }),
  };
  return answer.fault(problem === undefined ? error.message : `${error.message} (${problem.explanation})`, options);
}

function meaningOf(message: string): Meaning {
  if (/^Internal error/.test(message)) return { code: 'SERVER_ERROR', uncertain: true };
  return { code: 'REQUEST_REFUSED' };
}
