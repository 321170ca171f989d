/** Our model as a schema of avsc, which keeps the way back: its hook is asked with the very objects that are made here. */
import avsc from 'avsc';
import { defaultFits } from './default-value.ts';
import { isNamed, type AvroField, type AvroType, type AvroUnion } from './model.ts';

type AvscSchema = Parameters<typeof avsc.Type.forSchema>[0];
/** All but a union, which may not stand in another one. */
type Definition = Exclude<AvscSchema, avsc.Type | readonly unknown[]>;

/**
 * A type of avsc's with the defaults that a reader of other schemas needs; each value of a union says its branch. The hook
 * puts a type of ours in the place of avsc's; undefined takes avsc's.
 */
export function compile(type: AvroType, hook: (type: AvroType) => avsc.Type | undefined): avsc.Type {
  const nodes = new WeakMap<object, AvroType>();
  const schema = new Writing(nodes).write(type);
  return avsc.Type.forSchema(schema, {
    wrapUnions: 'always',
    omitRecordMethods: true,
    typeHook: (given) => {
      const node = typeof given === 'object' ? nodes.get(given) : undefined;
      return node === undefined ? undefined : hook(node);
    },
  });
}

/** avsc would put a name without a namespace into the one around it. */
function qualified(name: string): string {
  return name.includes('.') ? name : `_.${name}`;
}

class Writing {
  readonly #nodes: WeakMap<object, AvroType>;
  readonly #written = new Set<AvroType>();

  constructor(nodes: WeakMap<object, AvroType>) {
    this.#nodes = nodes;
  }

  write(type: AvroType): AvscSchema {
    if (type.kind !== 'union') return this.#define(type);
    const branches = type.branches.flatMap((branch) =>
      branch.kind === 'union' ? [] : [this.#define(branch)],
    );
    this.#nodes.set(branches, type);
    return branches;
  }

  #define(type: Exclude<AvroType, AvroUnion>): Definition {
    if (isNamed(type)) {
      if (this.#written.has(type)) return qualified(type.name);
      this.#written.add(type);
    }
    const definition = this.#definition(type);
    this.#nodes.set(definition, type);
    return definition;
  }

  #definition(type: Exclude<AvroType, AvroUnion>): Exclude<Definition, string> {
    switch (type.kind) {
      case 'record':
        return {
          type: 'record',
          name: qualified(type.name),
          aliases: type.aliases.map(qualified),
          fields: type.fields.map((field) => this.#field(field)),
        };
      case 'enum': {
        const { symbols, default: fallback } = type;
        const schema = {
          type: 'enum' as const,
          name: qualified(type.name),
          aliases: type.aliases.map(qualified),
          symbols: [...symbols],
        };
        return fallback === null ? schema : { ...schema, default: fallback };
      }
      case 'fixed':
        return {
          type: 'fixed',
          name: qualified(type.name),
          aliases: type.aliases.map(qualified),
          size: type.size,
        };
      case 'array':
        return { type: 'array', items: this.write(type.items) };
      case 'map':
        return { type: 'map', values: this.write(type.values) };
      case 'null':
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
      case 'bytes':
      case 'string':
        return { type: type.kind };
    }
  }

  #field(field: AvroField) {
    const { name, aliases } = field;
    if (!('default' in field)) return { name, aliases: [...aliases], type: this.write(field.type) };
    // avsc takes the default of a union only for its first branch; the order matters to nobody who reads.
    const { type } = field;
    if (type.kind === 'union') {
      const fitting = type.branches.findIndex((branch) => defaultFits(branch, field.default));
      const first = type.branches[fitting];
      if (first !== undefined && fitting > 0) {
        const branches = [first, ...type.branches.filter((branch) => branch !== first)];
        return {
          name,
          aliases: [...aliases],
          type: this.write({ ...type, branches }),
          default: field.default,
        };
      }
    }
    return { name, aliases: [...aliases], type: this.write(type), default: field.default };
  }
}
