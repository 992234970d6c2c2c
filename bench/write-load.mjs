// Single-row transactions of a user, at a rate or as fast as they go, and how long each took to get where it was going.
import { setTimeout as pause } from 'node:timers/promises';
import { now, quantile } from './harness.mjs';

/**
 * `write(client, n)` for each n, by these connections; resolves with the moments of its return by n, and the milliseconds
 * of each: `served` from when it was sent, `took` from when it was due, so with its wait for a connection.
 */
export async function load(clients, { seconds, rate, write, first = 1_000_000 }) {
  const committed = new Map();
  const took = [];
  const served = [];
  const begin = now();
  const end = begin + seconds * 1000;
  let next = first;
  const one = async (client, n, due) => {
    const sent = now();
    await write(client, n);
    const at = now();
    committed.set(n, at);
    took.push(at - due);
    served.push(at - sent);
  };
  if (rate === undefined) {
    await Promise.all(
      clients.map(async (client) => {
        while (now() < end) await one(client, next++, now());
      }),
    );
  } else {
    const free = [...clients];
    const waiting = [];
    const open = new Set();
    const take = () => (free.length > 0 ? free.pop() : new Promise((resolve) => waiting.push(resolve)));
    const give = (client) => (waiting.length > 0 ? waiting.shift()(client) : free.push(client));
    const total = Math.round(seconds * rate);
    for (let sent = 0; sent < total; await pause(1)) {
      for (const due = Math.min(total, ((now() - begin) / 1000) * rate); sent < due; sent += 1) {
        const n = next++;
        const at = begin + (sent / rate) * 1000;
        const write = (async () => {
          const client = await take();
          await one(client, n, at).finally(() => give(client));
        })().finally(() => open.delete(write));
        // Whoever waits for all of them hears of a failure; until then it must not end the process.
        write.catch(() => {});
        open.add(write);
      }
    }
    await Promise.all(open);
  }
  return { committed, took, served, rate: committed.size / ((now() - begin) / 1000) };
}

/** Milliseconds from commit to arrival; `missing` never came. */
export function waits(committed, arrivals) {
  const at = new Map(arrivals);
  const found = [...committed].filter(([n]) => at.has(n)).map(([n, from]) => at.get(n) - from);
  if (found.length === 0) throw new Error('Nothing arrived');
  return {
    p50: quantile(found, 0.5),
    p99: quantile(found, 0.99),
    count: found.length,
    missing: committed.size - found.length,
  };
}
