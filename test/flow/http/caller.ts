import { createHmac } from 'node:crypto';
import type { Pool } from 'pg';

export type Json = Record<string, unknown>;

interface Answer {
  readonly status: number;
  readonly body: Json;
  readonly text: string;
  readonly headers: Headers;
}

interface Ask {
  readonly body?: unknown;
  readonly bearer?: string | undefined;
  readonly headers?: Record<string, string>;
}

/** As a proxy passes on what comes from outside. */
export const ELSEWHERE = { 'x-forwarded-for': '203.0.113.9' };

/** Requests with JSON bodies, as programs send them; with a token of their own, where one is given. */
export function asker(door: string, own?: string) {
  return async (method: string, path: string, { body, bearer = own, headers = {} }: Ask = {}): Promise<Answer> => {
    const answer = await fetch(door + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { status, headers: told } = answer;
    // A stream has no end to wait for.
    if (told.get('content-type')?.startsWith('text/event-stream')) {
      await answer.body?.cancel();
      return { status, headers: told, text: '', body: {} };
    }
    const text = await answer.text();
    const isJson = /json/.test(told.get('content-type') ?? '');
    return { status, headers: told, text, body: isJson && text !== '' ? (JSON.parse(text) as Json) : {} };
  };
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JSON Web Token (HS256) that counts for ten minutes unless the claims say otherwise. */
export function jwt(secret: string | Buffer, claims: Json, header: Json = {}): string {
  const content = `${part({ alg: 'HS256', ...header })}.${part({ exp: Date.now() / 1000 + 600, ...claims })}`;
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
}

export function tokens(pool: Pool) {
  return async (name: string, role: string, org: string | null): Promise<string> => {
    const { rows } = await pool.query<{ token: string }>(
      `select tideway.create_api_token($1, org_id => $3, role => $2) as token`,
      [name, role, org],
    );
    return rows[0]?.token ?? '';
  };
}
