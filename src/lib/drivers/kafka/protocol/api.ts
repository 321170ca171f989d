import type { ProtocolReader, ProtocolWriter } from './primitives.ts';

/**
 * One request and its response, of those that kafkajs has not got or has only in old versions. The session sends it in
 * the highest version that both it and the broker know.
 */
export interface Api<Request, Response> {
  readonly key: number;
  readonly name: string;
  /** The versions written here, both ends included. */
  readonly versions: { readonly min: number; readonly max: number };
  /** The first version with compact lengths and tagged fields (KIP-482), headers included. */
  readonly flexibleFrom: number;
  readonly write: (writer: ProtocolWriter, request: Request, version: number) => void;
  readonly read: (reader: ProtocolReader, version: number) => Response;
  /** The response's own error code, where one is for the whole of it: tells the session that a coordinator moved. */
  readonly errorCode?: (response: Response) => number;
}
