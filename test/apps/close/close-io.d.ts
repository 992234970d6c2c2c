/** A client of others for Close, as far as the test of the stand-in uses it. */
declare module 'close.io' {
  export default class CloseClient {
    constructor(key: string);
    _request(options: { uri: string }): Promise<unknown>;
    readonly lead: {
      search(options: object): Promise<{ data: { id: string; name: string }[]; has_more: boolean }>;
      create(body: object): Promise<{ id: string; contacts: { name: string }[] }>;
      read(id: string): Promise<Record<string, unknown>>;
      update(id: string, body: object): Promise<Record<string, unknown>>;
      delete(id: string): Promise<object>;
      merge(body: object): Promise<object>;
    };
    readonly activity: { readonly note: { create(body: object): Promise<{ id: string; _type: string }> } };
  }
}
