import type { PlainAppOptions } from './plain-app.ts';

type Column = PlainAppOptions['tables'][number]['columns'][number];

const text = (id: string): Column => ({ id, type: 'text' });
const number = (id: string): Column => ({ id, type: 'number' });
const json = (id: string): Column => ({ id, type: 'json' });
const NO = number('No');
const NAME = text('Name');

/** The app's tables, as the recipes of docs/cookbook.md name them. */
export const COOKBOOK_TABLES: Record<string, readonly Column[]> = {
  Contacts: [number('ID'), text('Email'), text('Full Name'), text('Fax')],
  Parcels: [
    text('No'),
    number('Weight'),
    { id: 'Insured', type: 'boolean' },
    { id: 'Sent', type: 'date' },
    { id: 'Delivered', type: 'datetime' },
    json('Details'),
    json('Labels'),
  ],
  Subscribers: [text('Mail'), NAME],
  Invoices: [text('No'), text('Total'), text('Due'), text('Paid')],
  Tickets: [NO, json('Customer'), json('Tags'), json('Watchers')],
  Accounts: [NO, text('IBAN')],
  Offers: [NO, NAME, number('Price'), number('Score')],
  Companies: [NO, NAME],
  People: [NO, NAME, text('Company')],
  Prices: [number('Product'), text('Currency'), number('Amount')],
  Leads: [NAME],
  Notes: [NO, text('Body'), { id: 'Edited', type: 'datetime' }],
  Stock: [text('SKU'), number('Quantity')],
  Contracts: [NO, number('Fee')],
  Brands: [NO, NAME, text('Segment'), number('Score')],
  Members: [NO, NAME, text('Phone')],
  Articles: [NO, text('Title')],
  Suppliers: [NAME, text('Mail')],
  Events: [NO, { id: 'Day', type: 'date' }, text('What')],
  Tasks: [NO, text('Title'), { id: 'Archived', type: 'boolean' }],
  Ledger: [NO, number('Amount')],
  Staff: [NO, NAME],
  Orders: [NO, text('Status')],
  Drafts: [NO, text('Body')],
  Sites: [NO, NAME],
  Readings: [NO, number('Value')],
  Campaigns: [NO, NAME],
  Rates: [text('Code'), number('Rate')],
  Titles: [NO, { id: 'Text', type: 'text', maxLength: 12 }],
  Visits: [NO, text('Shop')],
};
