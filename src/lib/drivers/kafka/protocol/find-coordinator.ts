import type { Api } from './api.ts';

const coordinatorKinds = { group: 0, transaction: 1, share: 2 } as const;
export type CoordinatorKind = keyof typeof coordinatorKinds;

export interface FoundCoordinator {
  readonly key: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly node: number;
  readonly host: string;
  readonly port: number;
}

/** FindCoordinator (protocol guide, key 10). Below version 4 it takes one key only (KIP-699). */
export const findCoordinator: Api<
  { readonly kind: CoordinatorKind; readonly keys: readonly string[] },
  readonly FoundCoordinator[]
> = {
  name: 'FindCoordinator',
  key: 10,
  versions: { min: 1, max: 6 },
  flexibleFrom: 3,
  write(writer, { kind, keys }, version) {
    if (version < 4) writer.text(keys[0] ?? '');
    writer.int8(coordinatorKinds[kind]);
    if (version >= 4) writer.list(keys, (_, key) => writer.text(key));
    writer.tags();
  },
  read(reader, version) {
    reader.int32();
    if (version >= 4) {
      return reader.list(() => {
        const key = reader.text();
        const node = reader.int32();
        const host = reader.text();
        const port = reader.int32();
        const errorCode = reader.int16();
        const errorMessage = reader.nullableText();
        reader.tags();
        return { key, node, host, port, errorCode, errorMessage };
      });
    }
    const errorCode = reader.int16();
    const errorMessage = reader.nullableText();
    const node = reader.int32();
    const host = reader.text();
    const port = reader.int32();
    return [{ key: '', node, host, port, errorCode, errorMessage }];
  },
};
