/** The types a mapped column can have; every type of every app converts to one of them. */
export const FIELD_TYPES = [
  'string',
  'number',
  'boolean',
  'date',
  'time',
  'date-time',
  'duration',
  'uri',
  'image-uri',
  'email-address',
  'json',
] as const;

export type FieldType = (typeof FIELD_TYPES)[number];
