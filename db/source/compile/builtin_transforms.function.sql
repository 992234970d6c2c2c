create or replace function tideway.builtin_transforms()
returns table (name text, arguments text, argument_pattern text, description text)
language sql
immutable
set search_path = ''
as $$
  values
    ('trim', null, null, 'Removes white space at both ends of a text.'),
    ('upper', null, null, 'Turns a text into capital letters.'),
    ('lower', null, null, 'Turns a text into small letters.'),
    ('title', null, null, 'Capitalises each word.'),
    ('empty_to_null', null, null, 'Turns an empty or blank text into null.'),
    ('null_to_empty', null, null, 'Turns null into an empty text.'),
    ('digits', null, null, 'Keeps the digits of a text only.'),
    ('boolean_words', null, null, 'Reads yes/no, on/off, y/n, x, active/inactive, 1/0 in several languages as true or false.'),
    ('boolean_to_yes_no', null, null, 'Writes true and false as Yes and No.'),
    ('boolean_to_t_f', null, null, 'Writes true and false as T and F.'),
    ('boolean_to_1_0', null, null, 'Writes true and false as 1 and 0.'),
    ('currency', null, null, 'Reads an amount such as "$1,234.50", "1.234,50 €" or "(12.00)" as a number.'),
    ('number', null, null, 'Reads a number out of a text with separators.'),
    ('percent', null, null, 'Reads "12.5%" as 0.125.'),
    ('date', 'format', '.+', 'Reads a date in a to_date format, for instance date:DD/MM/YYYY.'),
    ('date_time', 'format', '.+', 'Reads a moment in a to_timestamp format, in UTC.'),
    ('format_date', 'format', '.+', 'Writes a date in a to_char format, for instance format_date:DD.MM.YYYY.'),
    ('epoch_seconds', null, null, 'Reads seconds since 1970 as a moment.'),
    ('epoch_milliseconds', null, null, 'Reads milliseconds since 1970 as a moment.'),
    ('path', 'JSON path', '.+', 'Takes a part of a JSON value, for instance path:address.city or path:0.'),
    ('first', null, null, 'Takes the first element of a list.'),
    ('join', 'separator', '.*', 'Joins a list of texts with a separator.'),
    ('split', 'separator', '.+', 'Splits a text into a list.'),
    ('constant', 'JSON value', '.*', 'Always this value, for instance constant:"EU".'),
    ('lookup', 'mapping', '.+', 'A foreign key: the row of another mapping on one side, its record on the other.')
$$;

comment on function tideway.builtin_transforms() is
  'The transforms that need no function of the user''s own; the argument follows the name after a colon.';
