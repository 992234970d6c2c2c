import type { FastifyRequest } from 'fastify';
import type { ProgressNews } from './progress-news.ts';

/** A look without news, should one be lost, or for what gives none. */
const LOOK_EVERY = 500;

/** How long a request is willing to wait (RFC 7240), and at most, in milliseconds. */
export function patienceOf({ headers }: FastifyRequest, longest: number): number {
  const prefer = String(headers['prefer'] ?? '').toLowerCase();
  if (/(^|[,; ])respond-async($|[,; ])/.test(prefer)) return 0;
  const wait = /(^|[,; ])wait *= *"?(\d{1,6})/.exec(prefer)?.[2];
  return wait === undefined ? longest : Math.min(longest, Number(wait) * 1000);
}

/** Looks until something is so, the patience ends or `stop` tells: whether it was so. */
export async function waitUntil(
  isSo: () => Promise<boolean>,
  { patience, news, stop }: { patience: number; news: ProgressNews; stop: AbortSignal },
): Promise<boolean> {
  const end = performance.now() + patience;
  let wake = (): void => {};
  let heard: boolean;
  const hear = (): void => {
    heard = true;
    wake();
  };
  const off = news.on(hear);
  stop.addEventListener('abort', hear);
  try {
    for (;;) {
      heard = false;
      if (patience > 0 && (await isSo())) return true;
      const left = end - performance.now();
      if (left <= 0 || stop.aborted) return false;
      if (heard) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, LOOK_EVERY));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    off();
    stop.removeEventListener('abort', hear);
  }
}
