import type { Asked } from '../../apps/plain/plain-faults.ts';
import { startShopifyApp } from '../../apps/shopify/shopify-app.ts';
import type { Values } from '../history.ts';
import { text, type AppKind } from './app-kind.ts';

const TOKEN = 'shpat_5577e0b4d2a3f91c';

export const shopify: AppKind = {
  name: 'shopify',
  system: 'shopify',
  env: { SHOPIFY_TOKEN: TOKEN },
  secret: 'env:SHOPIFY_TOKEN',
  remote: 'products',
  types: { id: 'text', name: 'text', qty: 'text' },
  columns: [
    { local: 'id', remote: 'handle' },
    { local: 'name', remote: 'title' },
    { local: 'qty', remote: 'productType' },
  ],
  settings: ({ gate, app }) => ({ shop: 'tideway-test.myshopify.com', base_url: gate, bulk_url: app, index_lag: 0 }),
  isRead: (asked) => documentOf(asked).includes('product') && !isMutation(asked),
  isWrite: isMutation,
  throttled: {
    kind: 'status',
    status: 200,
    headers: { 'x-shopify-api-version': '2026-07' },
    body: '{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],"extensions":{"cost":{"requestedQueryCost":10,"actualQueryCost":null,"throttleStatus":{"maximumAvailable":2000,"currentlyAvailable":0,"restoreRate":100}}}}',
  },
  blind: 'writes',
  start: async () => {
    const app = await startShopifyApp({ token: TOKEN });
    const ask = (document: string, variables: Readonly<Record<string, unknown>>) => {
      const answer = Object.values(app.person(document, variables))[0] as {
        readonly product?: { readonly id: string };
        readonly userErrors: readonly { readonly message: string }[];
      };
      const [error] = answer.userErrors;
      if (error !== undefined) throw new Error(error.message);
      return answer.product?.id ?? '';
    };
    return {
      url: app.url,
      records: () =>
        [...app.store.products.values()].map(({ id, handle, title, productType }) => ({
          id,
          values: { id: text(handle), name: text(title), qty: text(productType) },
        })),
      create: (values) =>
        ask('mutation($p: ProductSetInput!){productSet(input:$p){product{id} userErrors{message}}}', {
          p: input(values),
        }),
      edit: (id, change) => {
        ask('mutation($p: ProductUpdateInput!){productUpdate(product:$p){product{id} userErrors{message}}}', {
          p: { id, ...input(change) },
        });
      },
      remove: (id) => {
        ask('mutation($id: ID!){productDelete(input:{id:$id}){userErrors{message}}}', { id });
      },
      stop: () => app.stop(),
    };
  },
};

function documentOf({ url = '', body }: Asked): string {
  if (!url.endsWith('/graphql.json')) return '';
  return (JSON.parse(String(body)) as { query?: string }).query ?? '';
}

function isMutation(asked: Asked): boolean {
  const document = documentOf(asked);
  return document.startsWith('mutation') && !document.includes('bulkOperationRunQuery');
}

function input({ id, name, qty }: Partial<Values>): Record<string, string> {
  return {
    ...(id === undefined ? {} : { handle: id }),
    ...(name === undefined ? {} : { title: name }),
    ...(qty === undefined ? {} : { productType: qty === 'null' ? '' : qty }),
  };
}
