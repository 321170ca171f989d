/**
 * What SARIF 2.1.0 (OASIS, sections 3.13 to 3.52) says of the objects that are written here, closed: a property that is
 * not of the standard, or of another type, is invalid. The enumerations and minima are the standard's.
 */
const text = { type: 'string', minLength: 1 };
const message = closed({ text }, ['text']);
const index = { type: 'integer', minimum: 0 };
const bag = { type: 'object', properties: { tags: { type: 'array', items: text } } };
const artifactLocation = closed({ uri: { type: 'string', format: 'uri-reference' }, description: message }, [
  'uri',
]);
const region = closed(
  { startLine: { type: 'integer', minimum: 1 }, startColumn: { type: 'integer', minimum: 1 } },
  ['startLine'],
);
const location = closed(
  {
    id: { type: 'integer', minimum: -1 },
    physicalLocation: closed({ artifactLocation, region }, ['artifactLocation']),
    logicalLocations: { type: 'array', minItems: 1, items: closed({ fullyQualifiedName: text }, []) },
    message,
  },
  // Code hosts show nothing that has no physical location.
  ['physicalLocation'],
);
const rule = closed({ id: text, shortDescription: message, fullDescription: message, help: message }, [
  'id',
  'shortDescription',
  'fullDescription',
  'help',
]);
const result = closed(
  {
    ruleId: text,
    ruleIndex: index,
    level: { enum: ['none', 'note', 'warning', 'error'] },
    message,
    locations: { type: 'array', minItems: 1, maxItems: 1, items: location },
    relatedLocations: {
      type: 'array',
      items: { ...location, required: ['id', 'message', 'physicalLocation'] },
    },
    properties: bag,
  },
  ['ruleId', 'ruleIndex', 'level', 'message', 'locations'],
);
const driver = closed(
  {
    name: text,
    semanticVersion: text,
    rules: { type: 'array', uniqueItems: true, items: rule },
  },
  ['name', 'rules'],
);

export const sarifStructure = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  ...closed(
    {
      $schema: { type: 'string', format: 'uri' },
      version: { const: '2.1.0' },
      runs: {
        type: 'array',
        minItems: 1,
        items: closed(
          {
            tool: closed({ driver }, ['driver']),
            columnKind: { enum: ['utf16CodeUnits', 'unicodeCodePoints'] },
            results: { type: 'array', items: result },
          },
          ['tool', 'results'],
        ),
      },
    },
    ['version', 'runs'],
  ),
};

function closed(properties: Readonly<Record<string, object>>, required: readonly string[]) {
  return { type: 'object', additionalProperties: false, properties, required };
}
