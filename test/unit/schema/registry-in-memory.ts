import type { SchemaFormat } from '../../../src/lib/schema/engine.ts';
import type { SchemaRegistry } from '../../../src/lib/schema/registry/registry.ts';

/** One schema behind every id, without a network. */
export function registryOf(schema: { readonly format: SchemaFormat; readonly text: string }): SchemaRegistry {
  return {
    address: 'memory',
    finds: ['id'],
    byKey: async ({ value }) => ({
      ...schema,
      id: value,
      subject: 'orders-value',
      version: '1',
      references: [],
    }),
    subjects: async () => [],
    versions: async () => null,
    version: async () => null,
    mode: async () => null,
    register: () => Promise.reject(new Error('nothing can be registered here')),
  };
}
