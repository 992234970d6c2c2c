import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { PlainFaults, type FaultScript, type PlainFault } from './plain/plain-faults.ts';

export interface AppRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface AppAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface AppServer {
  readonly url: string;
  fail(script: FaultScript): void;
  clearFaults(): void;
  /** When requests have failed because a script said so. */
  failures(): readonly number[];
  /** Lets the requests held by `late` faults take effect. */
  releaseHeld(): Promise<void>;
  /** Requests that reached the app, by `METHOD /path?query`. */
  requests(): readonly string[];
  stop(): Promise<void>;
}

/** How many requests may be under way at once, and what the one too many is told. */
export interface Crowd {
  readonly most: number;
  readonly refusal: () => AppAnswer;
}

/** An HTTP server of the loopback interface that can be made to misbehave; what it serves is the app's own affair. */
export async function startAppServer(
  serve: (request: AppRequest) => AppAnswer | Promise<AppAnswer>,
  port = 0,
  { most, refusal }: Partial<Crowd> = {},
): Promise<AppServer> {
  const faults = new PlainFaults();
  const requests: string[] = [];
  const held: (() => Promise<AppAnswer>)[] = [];
  let open = 0;

  const misbehave = async (
    fault: PlainFault,
    effect: () => Promise<AppAnswer>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    switch (fault.kind) {
      case 'status':
        if (fault.applied) await effect();
        response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
        response.end(fault.body ?? '{"code":"scripted","message":"A scripted failure."}');
        return;
      case 'drop_answer':
        await effect();
        request.socket.resetAndDestroy();
        return;
      case 'truncate': {
        const { status, headers, body } = await effect();
        // Of nothing there is no half.
        if (body === '') {
          request.socket.resetAndDestroy();
          return;
        }
        const half = body.slice(0, Math.floor(body.length / 2));
        const length = fault.clean ? {} : { 'content-length': String(Buffer.byteLength(body)) };
        response.writeHead(status, { 'content-type': 'application/json', ...headers, ...length });
        if (fault.clean) response.end(half);
        else response.write(half, () => request.socket.destroy());
        return;
      }
      case 'delay':
        await pause(fault.milliseconds);
        give(response, await effect());
        return;
      case 'hang':
        if (fault.applied) await effect();
        return;
      case 'body':
        response.writeHead(200, { 'content-type': fault.contentType });
        response.end(fault.body);
        return;
      case 'late':
        held.push(effect);
        request.socket.resetAndDestroy();
        return;
      case 'reset':
        request.socket.resetAndDestroy();
    }
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    open += 1;
    response.once('close', () => {
      open -= 1;
    });
    if (most !== undefined && refusal !== undefined && open > most) {
      request.resume();
      give(response, refusal());
      return;
    }
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = 'GET', url = '/', headers } = request;
      const body = Buffer.concat(chunks);
      const fault = faults.take({ method, url, body });
      const effect = async (): Promise<AppAnswer> => serve({ method, url: new URL(url, 'http://app'), headers, body });
      if (fault) void misbehave(fault, effect, request, response);
      else
        void effect().then((answer) => {
          give(response, answer);
        });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    fail: (script) => {
      faults.add(script);
    },
    clearFaults: () => {
      faults.clear();
    },
    failures: () => faults.happened,
    releaseHeld: async () => {
      for (const effect of held.splice(0)) await effect();
    },
    requests: () => requests,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function give(response: ServerResponse, { status, headers, body }: AppAnswer): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers });
  response.end(body);
}
