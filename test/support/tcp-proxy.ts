import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

type Direction = 'to the server' | 'to the client';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly carried: Record<Direction, number>;
}

export interface TcpProxy {
  readonly port: number;
  /** Connections that are open now. */
  open(): number;
  /** Where new connections lead. */
  leadTo(port: number): void;
  /** Every chunk comes later by so much. */
  delay(milliseconds: number): void;
  /** Bytes a second and direction; 0 for as fast as it goes. */
  throttle(bytesPerSecond: number): void;
  /** Ends a connection by a reset once it has carried so many bytes; one connection for each call. */
  cutAfter(bytes: number, direction: Direction): void;
  /** Carries nothing, on no connection, and tells nobody: what was sent arrives after `heal`. */
  swallow(): void;
  /** The server loses all connections that are open, and the client never hears of it; new ones work. */
  halfOpen(): void;
  /** Resets all connections that are open. */
  reset(): void;
  heal(): void;
  /** Says something to every client in the server's place, and ends the connection. */
  speak(bytes: Buffer): void;
  stop(): Promise<void>;
}

/** Stands between a client and a server of this machine and does what networks do. */
export async function startTcpProxy(upstream = 0): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const cuts: { bytes: number; direction: Direction }[] = [];
  let [target, late, rate, swallowing] = [upstream, 0, 0, false];

  const carry = (pair: Pair, from: Socket, to: Socket, direction: Direction): void => {
    let turn = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      from.pause();
      turn = turn.then(async () => {
        const wait = late + (rate === 0 ? 0 : (chunk.length / rate) * 1_000);
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        while (swallowing && !from.destroyed) await new Promise((resolve) => setTimeout(resolve, 20));
        const cut = cuts.findIndex((one) => one.direction === direction);
        const left = cut < 0 ? Infinity : (cuts[cut]?.bytes ?? 0) - pair.carried[direction];
        pair.carried[direction] += chunk.length;
        if (chunk.length > left) {
          cuts.splice(cut, 1);
          to.write(chunk.subarray(0, Math.max(0, left)), () => {
            pair.client.resetAndDestroy();
            pair.server.resetAndDestroy();
          });
          return;
        }
        if (!to.destroyed) to.write(chunk);
        from.resume();
      });
    });
    from.on('end', () => void turn.then(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => void turn.then(() => to.destroy()));
  };

  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    const pair: Pair = { client, server, carried: { 'to the server': 0, 'to the client': 0 } };
    pairs.add(pair);
    client.once('close', () => pairs.delete(pair));
    carry(pair, client, server, 'to the server');
    carry(pair, server, client, 'to the client');
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));

  return {
    port: (listener.address() as AddressInfo).port,
    open: () => pairs.size,
    leadTo: (port) => (target = port),
    delay: (milliseconds) => (late = milliseconds),
    throttle: (bytesPerSecond) => (rate = bytesPerSecond),
    cutAfter: (bytes, direction) => cuts.push({ bytes, direction }),
    swallow: () => (swallowing = true),
    halfOpen: () => {
      for (const { client, server } of pairs) {
        client.removeAllListeners('data');
        client.removeAllListeners('end');
        server.removeAllListeners('close');
        server.removeAllListeners('end');
        client.pause();
        server.destroy();
      }
    },
    reset: () => {
      for (const { client, server } of pairs) {
        client.resetAndDestroy();
        server.resetAndDestroy();
      }
    },
    heal: () => {
      [late, rate, swallowing] = [0, 0, false];
      cuts.length = 0;
    },
    speak: (bytes) => {
      for (const { client, server } of pairs) {
        server.destroy();
        client.end(bytes);
      }
    },
    stop: async () => {
      swallowing = false;
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
