/** The part of the package `xmlrpc`, which brings no types, that the tests use. */
declare module 'xmlrpc' {
  interface XmlRpcClient {
    methodCall(
      method: string,
      params: readonly unknown[],
      done: (error: (Error & { faultCode?: number; faultString?: string }) | null, value: unknown) => void,
    ): void;
  }
  const xmlrpc: { createClient(options: { host: string; port: number; path: string }): XmlRpcClient };
  export default xmlrpc;
}
