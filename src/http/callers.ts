import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { Clock } from '../runtime/clock.ts';
import { apiCaller, type ApiCaller } from '../sql/access/api-caller.ts';
import type { Database } from '../sql/database.ts';
import { Problem } from './problem.ts';

const REMEMBER_FOR = 5_000;
const MOST = 1_000;
const TOKEN = /^Bearer +(tw_[0-9a-f]{64})$/i;
const HERE = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);
/** Whoever sits at the machine could ask the database as well. */
const LOCAL: ApiCaller = { name: 'this machine', org_id: null, may_operate: true };

/** Tells who asks: by an API token, or because the request comes from the daemon's own machine. */
export class Callers {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly at: number; readonly caller: Promise<ApiCaller | undefined> }>();

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Throws when nobody in particular asks. */
  async of(request: FastifyRequest): Promise<ApiCaller> {
    const { authorization } = request.headers;
    if (authorization === undefined && isLocal(request)) return LOCAL;
    const token = TOKEN.exec(authorization ?? '')?.[1];
    const caller = token === undefined ? undefined : await this.#look(token);
    if (caller !== undefined) return caller;
    throw new Problem(401, 'AUTH_REQUIRED', 'The request carries no valid API token.', {
      mend: "Send Authorization: Bearer with a token of: select tideway.create_api_token('name');",
    });
  }

  /** For what changes something. */
  async operatorOf(request: FastifyRequest): Promise<ApiCaller> {
    const caller = await this.of(request);
    if (caller.may_operate) return caller;
    throw new Problem(403, 'PERMISSION_DENIED', `The API token "${caller.name}" may look, but not operate.`, {
      mend: "Make one with role => 'tideway_operator'.",
    });
  }

  #look(token: string): Promise<ApiCaller | undefined> {
    const known = this.#known.get(token);
    if (known !== undefined && this.#clock.now() - known.at < REMEMBER_FOR) return known.caller;
    const caller = apiCaller(this.#database, token);
    this.#known.delete(token);
    this.#known.set(token, { at: this.#clock.now(), caller });
    caller.catch(() => this.#known.delete(token));
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    return caller;
  }
}

/** What a proxy passes on comes from elsewhere, even when the proxy runs here. */
function isLocal({ ip, headers, hostname }: FastifyRequest): boolean {
  const passedOn = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  // A page in a browser of this machine may reach us under a name of its own.
  return !passedOn && HERE.has(hostname) && ipaddr.process(ip).range() === 'loopback';
}
