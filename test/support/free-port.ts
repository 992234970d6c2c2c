import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A port of the loopback interface for a program that cannot be told to take any. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  const port = await new Promise<number>((done) =>
    probe.listen(0, '127.0.0.1', () => done((probe.address() as AddressInfo).port)),
  );
  await new Promise((done) => probe.close(done));
  return port;
}
