import type { Connector } from './connector.ts';
import { glide } from './glide/glide.ts';
import { plain } from './plain/plain.ts';

/** Every system Tideway knows, one line each. */
export const CONNECTORS: ReadonlyMap<string, Connector<unknown>> = new Map<string, Connector<unknown>>([
  ['glide', glide],
  ['plain', plain],
]);
