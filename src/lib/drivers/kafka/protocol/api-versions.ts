import type { Api } from './api.ts';

export interface VersionRange {
  readonly lowest: number;
  readonly highest: number;
}

export interface ApiVersionsAnswer {
  readonly errorCode: number;
  readonly ranges: ReadonlyMap<number, VersionRange>;
  /** Finalized features: `metadata.version`, `group.version`, … (KIP-584). */
  readonly features: ReadonlyMap<string, number>;
}

/** ApiVersions: asked first on every connection. Its answer has header version 0 always, so it needs no tagged field there. */
export const apiVersions: Api<null, ApiVersionsAnswer> = {
  name: 'ApiVersions',
  key: 18,
  versions: { min: 0, max: 3 },
  flexibleFrom: 3,
  write(writer, _request, version) {
    if (version < 3) return;
    writer.text('mqctl').text('1').tags();
  },
  read(reader, version) {
    const errorCode = reader.int16();
    const ranges = new Map(
      reader.list(() => {
        const key = reader.int16();
        const range = { lowest: reader.int16(), highest: reader.int16() };
        reader.tags();
        return [key, range] as const;
      }),
    );
    const features = new Map<string, number>();
    if (version >= 1) reader.int32();
    if (version >= 3) {
      reader.taggedFields((tag, field) => {
        if (tag !== 2) return;
        for (const [name, level] of field.compactArray(() => {
          const name = field.compactString();
          const level = field.int16();
          field.int16();
          field.skipTaggedFields();
          return [name, level] as const;
        })) {
          features.set(name, level);
        }
      });
    }
    return { errorCode, ranges, features };
  },
};
