import {
  getNamedType,
  isObjectType,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';

const FREE: ReadonlySet<string> = new Set([
  'MoneyV2',
  'MoneyBag',
  'MailingAddress',
  'LocationAddress',
  'PageInfo',
  'Attribute',
]);

/** Points that a document asks for: an object one, a list by the logarithm of its length, a mutation ten. */
export function requestedCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): number {
  const fragments = new Map(
    document.definitions
      .filter((one): one is FragmentDefinitionNode => one.kind === Kind.FRAGMENT_DEFINITION)
      .map((one) => [one.name.value, one]),
  );
  const inside = (set: SelectionSetNode | undefined, type: GraphQLNamedType | undefined): number => {
    let sum = 0;
    const counted = new Set<string>();
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FIELD) {
        const name = selection.alias?.value ?? selection.name.value;
        // The same field twice is one field; only what is new inside counts.
        if (counted.has(name) && selection.selectionSet) sum += inside(selection.selectionSet, typeOf(selection, type));
        else if (!counted.has(name)) sum += field(selection, type);
        counted.add(name);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        sum += inside(selection.selectionSet, schema.getType(selection.typeCondition?.name.value ?? '') ?? type);
      } else {
        const fragment = fragments.get(selection.name.value);
        sum += inside(fragment?.selectionSet, schema.getType(fragment?.typeCondition.name.value ?? ''));
      }
    }
    return sum;
  };
  const typeOf = (node: FieldNode, parent: GraphQLNamedType | undefined): GraphQLNamedType | undefined => {
    const definition = isComposite(parent) ? parent.getFields()[node.name.value] : undefined;
    return definition === undefined ? undefined : getNamedType(definition.type);
  };
  const argument = (node: FieldNode, name: string): unknown => {
    const value = node.arguments?.find((one) => one.name.value === name)?.value;
    if (value === undefined) return undefined;
    if (value.kind === Kind.VARIABLE) return variables[value.name.value];
    if (value.kind === Kind.INT) return Number(value.value);
    return value.kind === Kind.LIST ? value.values : undefined;
  };
  const field = (node: FieldNode, parent: GraphQLNamedType | undefined): number => {
    const type = typeOf(node, parent);
    if (node.selectionSet === undefined || type === undefined || node.name.value === 'userErrors') return 0;
    if (node.name.value.endsWith('Count')) return 10;
    if (FREE.has(type.name)) return 0;
    if (type.name.endsWith('Connection')) {
      const first = Number(argument(node, 'first') ?? argument(node, 'last') ?? 250);
      const nodes = node.selectionSet.selections
        .filter((one): one is FieldNode => one.kind === Kind.FIELD)
        .flatMap((one) =>
          one.name.value === 'edges'
            ? (one.selectionSet?.selections.filter(
                (two): two is FieldNode => two.kind === Kind.FIELD && two.name.value === 'node',
              ) ?? [])
            : one.name.value === 'nodes'
              ? [one]
              : [],
        );
      const item = schema.getType(type.name.replace(/Connection$/, ''));
      const each = 1 + nodes.reduce((sum, one) => sum + inside(one.selectionSet, item), 0);
      return 2 + Math.floor(Math.max(1, Math.floor(2 * Math.log(Math.max(1, first)))) * each);
    }
    const times = node.name.value === 'nodes' ? ((argument(node, 'ids') as unknown[] | undefined)?.length ?? 1) : 1;
    return times * (1 + inside(node.selectionSet, type));
  };
  let cost = 0;
  for (const operation of document.definitions) {
    if (operation.kind !== Kind.OPERATION_DEFINITION) continue;
    const root = operation.operation === OperationTypeNode.MUTATION ? schema.getMutationType() : schema.getQueryType();
    if (operation.operation !== OperationTypeNode.MUTATION) {
      cost += inside(operation.selectionSet, root ?? undefined);
      continue;
    }
    for (const one of operation.selectionSet.selections) {
      if (one.kind !== Kind.FIELD) continue;
      const payload = typeOf(one, root ?? undefined);
      const objects = (one.selectionSet?.selections ?? []).filter(
        (inner): inner is FieldNode => inner.kind === Kind.FIELD,
      );
      cost += 10 + objects.reduce((sum, inner) => sum + inside(inner.selectionSet, typeOf(inner, payload)), 0);
    }
  }
  return Math.max(1, cost);
}

function isComposite(
  type: GraphQLNamedType | undefined,
): type is GraphQLNamedType & { getFields(): Record<string, { type: never }> } {
  return type !== undefined && (isObjectType(type) || 'getFields' in type);
}
