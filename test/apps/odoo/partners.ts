import type { OdooModel } from './odoo-fields.ts';

/** A piece of Odoo's own contacts: enough types to try a client on. */
export const PARTNER_MODELS: readonly OdooModel[] = [
  {
    name: 'res.country',
    title: 'Country',
    fields: { name: { type: 'char', required: true, translate: true, string: 'Country Name' }, code: { type: 'char' } },
  },
  { name: 'res.company', title: 'Companies', fields: { name: { type: 'char', required: true } } },
  {
    name: 'res.partner.category',
    title: 'Partner Tags',
    guarded: false,
    fields: { name: { type: 'char', required: true }, color: { type: 'integer' } },
  },
  {
    name: 'res.partner',
    title: 'Contact',
    fields: {
      name: { type: 'char', string: 'Name' },
      email: { type: 'char', string: 'Email' },
      phone: { type: 'char' },
      ref: { type: 'char', string: 'Reference' },
      city: { type: 'char' },
      function: { type: 'char', translate: true },
      active: { type: 'boolean' },
      is_company: { type: 'boolean' },
      type: {
        type: 'selection',
        string: 'Address Type',
        selection: [
          ['contact', 'Contact'],
          ['invoice', 'Invoice'],
          ['delivery', 'Delivery'],
          ['other', 'Other'],
        ],
      },
      comment: { type: 'html', string: 'Notes' },
      color: { type: 'integer' },
      credit_limit: { type: 'float' },
      partner_latitude: { type: 'float', digits: [10, 7] },
      date: { type: 'date' },
      seen_at: { type: 'datetime' },
      country_id: { type: 'many2one', relation: 'res.country', string: 'Country' },
      company_id: { type: 'many2one', relation: 'res.company' },
      parent_id: { type: 'many2one', relation: 'res.partner' },
      child_ids: { type: 'one2many', relation: 'res.partner', relation_field: 'parent_id' },
      category_id: { type: 'many2many', relation: 'res.partner.category', string: 'Tags' },
      image_128: { type: 'binary' },
      email_formatted: {
        type: 'char',
        readonly: true,
        store: false,
        compute: ({ name, email }) =>
          typeof email === 'string' && typeof name === 'string' ? `"${name}" <${email}>` : false,
      },
    },
    check: { needs: 'name', message: 'Contacts require a name', constraint: 'res_partner_check_name' },
  },
  {
    name: 'x_report',
    title: 'A view of the database',
    fields: { name: { type: 'char' }, total: { type: 'float' } },
    logAccess: false,
  },
];
