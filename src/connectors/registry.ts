import type { Connector } from './connector.ts';

/** Every system Tideway knows, one line each. */
export const CONNECTORS: ReadonlyMap<string, Connector<unknown>> = new Map<string, Connector<unknown>>([]);
