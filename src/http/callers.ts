import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { ServerClock } from '../runtime/clock.ts';
import { apiCaller } from '../sql/access/api-caller.ts';
import type { ActsAs } from '../sql/callers/as-caller.ts';
import { roleRights, type RoleRights } from '../sql/callers/role-rights.ts';
import type { Database } from '../sql/database.ts';
import { verifyJwt, type JwtRules } from './jwt.ts';
import { Problem } from './problem.ts';
import { RateGate } from './rate-gate.ts';
import { Remembered } from './remembered.ts';

export interface Caller extends ActsAs {
  readonly kind: 'machine' | 'token' | 'person';
  readonly name: string;
  /** Null: the only one; for a token, all. */
  readonly organisation: string | null;
  readonly mayOperate: boolean;
}

const REMEMBER_FOR = 5_000;
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;
const TOKEN = /^tw_[0-9a-f]{64}$/;
const HERE = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);
/** Whoever sits at the machine could ask the database as well. */
const LOCAL: Caller = {
  kind: 'machine',
  name: 'this machine',
  organisation: null,
  mayOperate: true,
  role: 'tideway_operator',
  claims: '{}',
};

export interface CallersOptions {
  readonly database: Database;
  readonly clock: ServerClock;
  readonly jwt: JwtRules;
  /** Requests a second of one caller. */
  readonly rate: number;
}

/** Tells who asks: by an API token, by a JSON Web Token, or because the request comes from the daemon's own machine. */
export class Callers {
  readonly #database: Database;
  readonly #clock: ServerClock;
  readonly #jwt: JwtRules;
  readonly #tokens: Remembered<Caller | undefined>;
  readonly #roles: Remembered<RoleRights | undefined>;
  readonly #gate: RateGate;

  constructor({ database, clock, jwt, rate }: CallersOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#jwt = jwt;
    this.#tokens = new Remembered(clock, REMEMBER_FOR);
    this.#roles = new Remembered(clock, REMEMBER_FOR);
    this.#gate = new RateGate(clock, rate);
  }

  /** Throws when nobody in particular asks, or somebody asks too often. */
  async of(request: FastifyRequest): Promise<Caller> {
    const { authorization } = request.headers;
    if (authorization === undefined && isLocal(request)) return LOCAL;
    const bearer = BEARER.exec(authorization ?? '')?.[1] ?? '';
    // Those who are nobody are counted by where they come from, before anything is looked up for them.
    this.#gate.pass(bearer === '' ? request.ip : createHash('sha256').update(bearer).digest('base64'));
    const caller = TOKEN.test(bearer) ? await this.#ofToken(bearer) : await this.#ofJwt(bearer);
    if (caller !== undefined) return caller;
    throw nobody('The request carries no valid API token.');
  }

  /** For what changes something. */
  async operatorOf(request: FastifyRequest): Promise<Caller> {
    const caller = await this.of(request);
    if (caller.mayOperate) return caller;
    throw caller.kind === 'token'
      ? new Problem(403, 'PERMISSION_DENIED', `The API token "${caller.name}" may look, but not operate.`, {
          mend: "Make one with role => 'tideway_operator'.",
        })
      : notGranted(caller.role, 'tideway_operator', 'operate');
  }

  #ofToken(token: string): Promise<Caller | undefined> {
    return this.#tokens.get(token, async () => {
      const found = await apiCaller(this.#database, token);
      if (found === undefined) return undefined;
      const role = found.may_operate ? 'tideway_operator' : 'tideway_reader';
      return {
        kind: 'token',
        name: found.name,
        organisation: found.org_id,
        mayOperate: found.may_operate,
        role,
        claims: JSON.stringify({ role, token: found.name, ...(found.org_id === null ? {} : { org_id: found.org_id }) }),
      };
    });
  }

  async #ofJwt(token: string): Promise<Caller | undefined> {
    const { secret, findKeys } = this.#jwt;
    if (!token.includes('.') || (secret === undefined && findKeys === undefined)) return undefined;
    const verdict = await verifyJwt(token, this.#jwt, this.#clock.time()).catch((error: unknown) => {
      throw new Problem(503, 'KEYS_UNAVAILABLE', 'The keys that tokens are checked with cannot be read.', {
        mend: 'Try again in a few seconds; an operator finds the reason in the log.',
        retryAfter: 5,
        cause: error,
      });
    });
    if (!verdict.valid) throw nobody(`The token is not valid. ${verdict.why}`);
    const { role, sub } = verdict.claims;
    if (typeof role !== 'string') {
      throw new Problem(403, 'TWROL', 'The token names no role.', {
        where: 'role',
        mend: 'Put a role of the database into its claim role.',
      });
    }
    const rights = await this.#roles.get(role, () => roleRights(this.#database, role));
    // Not every answer is read as the role itself, so it is refused before there is any.
    if (rights?.is_above) {
      throw new Problem(403, 'TWROL', `Nobody may come in as the role "${role}".`, {
        mend: 'Use a role that is a member of tideway_reader or tideway_operator; for work on all organisations, a system token.',
      });
    }
    if (!rights?.may_look) throw notGranted(role, 'tideway_reader', 'look at Tideway');
    return {
      kind: 'person',
      name: typeof sub === 'string' ? sub : role,
      organisation: organisationOf(verdict.claims),
      mayOperate: rights.may_operate,
      role,
      claims: verdict.text,
    };
  }
}

/** As `tideway_private.caller` reads them; what is not a text is refused there. */
function organisationOf(claims: Readonly<Record<string, unknown>>): string | null {
  const nested = claims['app_metadata'];
  const named =
    claims['org_id'] ??
    (typeof nested === 'object' && nested !== null ? (nested as { org_id?: unknown }).org_id : undefined);
  if (named === undefined) return null;
  return typeof named === 'string' ? named : '';
}

function nobody(what: string): Problem {
  return new Problem(401, 'AUTH_REQUIRED', what, {
    mend: "Send Authorization: Bearer with a token of: select tideway.create_api_token('name');",
  });
}

function notGranted(role: string, wanted: string, what: string): Problem {
  return new Problem(403, 'PERMISSION_DENIED', `The role "${role}" may not ${what}.`, {
    mend: `grant ${wanted} to "${role.replaceAll('"', '""')}";`,
  });
}

/** What a proxy passes on comes from elsewhere, even when the proxy runs here. */
function isLocal({ ip, headers, hostname }: FastifyRequest): boolean {
  const passedOn = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  // A page in a browser of this machine may reach us under a name of its own, or from a site of its own.
  const byPage = headers.origin !== undefined || !['none', undefined].includes(one(headers['sec-fetch-site']));
  return !passedOn && !byPage && HERE.has(hostname) && ipaddr.process(ip).range() === 'loopback';
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join() : header;
}
