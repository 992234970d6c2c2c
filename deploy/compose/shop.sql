-- What deploy/compose.yaml starts with: a table of an ordinary role, tied to the stand-in app both ways. Safe to run twice.
select 'create role shopkeeper login password ''shopkeeper'''
 where not exists (select from pg_roles where rolname = 'shopkeeper') \gexec
select 'create role grafana login password ''grafana'' in role tideway_reader'
 where not exists (select from pg_roles where rolname = 'grafana') \gexec
insert into tideway.members (login, org_id) values ('grafana', tideway.current_org_id()) on conflict do nothing;
alter role grafana set statement_timeout = '10s';

create table if not exists public.products (id integer primary key, name text not null, price numeric(10, 2));
alter table public.products owner to shopkeeper;
insert into public.products values (1, 'Lamp', 49.90), (2, 'Chair', 89), (3, 'Desk', 240) on conflict do nothing;

select tideway.connect('shop', 'plain', '{"base_url": "http://app:4000"}', 'env:SHOP_TOKEN');
select tideway.map('products', 'shop', 'products', 'public.products',
  '[{"local": "id", "remote": "sku", "type": "number"},
    {"local": "name", "remote": "title"},
    {"local": "price", "remote": "price", "type": "number"}]',
  options => '{"schedule": "5 s"}');
select tideway.activate('products');
