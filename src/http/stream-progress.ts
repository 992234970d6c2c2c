import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Session } from '../sql/database.ts';
import { listProgress } from '../sql/callers/progress.ts';
import type { Api } from './endpoint.ts';
import { Problem } from './problem.ts';

const MOST_STREAMS = 100;
/** Also how soon a revoked token loses its stream. */
const BEAT = 5_000;
/** A sync that moves with every page is told a few times a second. */
const GATHER = 200;

interface Watcher {
  readonly api: Api;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly as: <Result>(work: (session: Session) => Promise<Result>) => Promise<Result>;
}

let streams = 0;

/** Sends progress rows as they change, until the client leaves, its token ends or the door closes. */
export async function streamProgress(
  { api, request, reply, as }: Watcher,
  only: string | undefined,
  limit: number,
): Promise<void> {
  if (streams >= MOST_STREAMS) {
    throw new Problem(503, 'BUSY', `There are ${String(MOST_STREAMS)} streams already.`, { retryAfter: 30 });
  }
  const first = await as((session) => listProgress(session, only === undefined ? null : [only], limit));
  const out = reply.raw;
  const moved = new Set<string>();
  const end = new AbortController();
  let wake = (): void => {};
  const off = api.news.on((id) => {
    if (only !== undefined && id !== only && id !== '') return;
    moved.add(id);
    wake();
  });
  const leave = (): void => {
    end.abort();
    wake();
  };
  api.stop.addEventListener('abort', leave);
  out.once('close', leave);
  streams += 1;
  reply.hijack();
  out.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  // Node holds them back until there is something to send, and the client waits for them.
  out.flushHeaders();
  try {
    await send(out, first, end.signal);
    while (!end.signal.aborted) {
      if (moved.size === 0) await pause(BEAT, (resolve) => (wake = resolve));
      if (end.signal.aborted) break;
      // Whose token was revoked since then sees no more.
      await api.callers.of(request);
      if (moved.size === 0) {
        out.write(': still here\n\n');
        continue;
      }
      await pause(GATHER, () => {});
      const ids = moved.has('') ? null : [...moved].slice(0, 1_000);
      moved.clear();
      await send(
        out,
        await as((session) => listProgress(session, only === undefined ? ids : [only], 1_000)),
        end.signal,
      );
    }
  } catch {
    // The headers are gone: the client comes again and is told what is wrong.
  } finally {
    streams -= 1;
    off();
    api.stop.removeEventListener('abort', leave);
    out.end();
  }
}

/** One event for each row; waits while the client reads slower than rows move. */
async function send(out: FastifyReply['raw'], rows: string, stop: AbortSignal): Promise<void> {
  const events = (JSON.parse(rows) as { sync_id: string }[]).map(
    (row) => `event: progress\ndata: ${JSON.stringify(row)}\n\n`,
  );
  if (events.length === 0) return;
  if (out.write(events.join('')) || stop.aborted) return;
  await new Promise<void>((resolve) => {
    out.once('drain', resolve);
    stop.addEventListener('abort', () => resolve(), { once: true });
  });
}

function pause(milliseconds: number, give: (resolve: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    give(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
