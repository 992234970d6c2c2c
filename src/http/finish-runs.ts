import type { FastifyReply, FastifyRequest } from 'fastify';
import { areOver } from '../sql/callers/runs.ts';
import type { Api } from './endpoint.ts';
import { patienceOf, waitUntil } from './wait-until.ts';

interface Waiting {
  readonly api: Api;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** The answer once all runs have ended; 202 and where to look when that takes longer than the caller waits. */
export async function finishRuns(
  { api, request, reply }: Waiting,
  runs: readonly string[],
  answer: () => Promise<string>,
): Promise<string> {
  const { database, news, stop, patience: longest } = api;
  const over = await waitUntil(() => areOver(database, runs), { patience: patienceOf(request, longest), news, stop });
  return over ? answer() : acceptRuns(reply, runs);
}

function acceptRuns(reply: FastifyReply, runs: readonly string[]): string {
  const links = runs.map((run) => ({ sync_run_id: run, link: `/api/sync/runs/${run}` }));
  const [first] = links;
  void reply.status(202).header('preference-applied', 'respond-async');
  if (first !== undefined) void reply.header('location', first.link);
  return JSON.stringify({ status: 'running', ...(links.length === 1 ? first : {}), runs: links });
}
