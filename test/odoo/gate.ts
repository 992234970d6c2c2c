import { startAppServer, type AppAnswer, type AppServer } from '../apps/app-server.ts';

/** Stands before a real Odoo, where requests can fail, and counts what Odoo carried out. */
export interface Gate extends AppServer {
  /** Records that were made or deleted through it: an answer to a write does not tell whether there was anything to change. */
  effects(): number;
}

const COUNTED = ['create', 'unlink'];

export async function startGate(odoo: string): Promise<Gate> {
  let effects = 0;
  const server = await startAppServer(async ({ method, url, headers, body }): Promise<AppAnswer> => {
    const type = headers['content-type'] ?? 'application/json';
    const answer = await fetch(new URL(url.pathname + url.search, odoo), {
      method,
      headers: { 'content-type': type },
      body: new Uint8Array(body),
    });
    const text = await answer.text();
    effects += effectsOf(body.toString(), text);
    const date = answer.headers.get('date');
    return {
      status: answer.status,
      headers: {
        'content-type': answer.headers.get('content-type') ?? '',
        ...(date === null ? {} : { date }),
      },
      body: text,
    };
  });
  return { ...server, effects: () => effects };
}

/** `execute_kw` gets the database, the user, the secret, the model, the method and the method's own arguments. */
function effectsOf(asked: string, answered: string): number {
  const { params } = JSON.parse(asked) as { params: { args: unknown[] } };
  const [, , , , method, own] = params.args;
  if (!COUNTED.includes(String(method)) || 'error' in (JSON.parse(answered) as object)) return 0;
  return (own as unknown[][])[0]?.length ?? 0;
}
