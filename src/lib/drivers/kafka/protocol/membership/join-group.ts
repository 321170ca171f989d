import type { Api } from '../api.ts';

export interface JoinGroupRequest {
  readonly group: string;
  /** Milliseconds without a heartbeat after which the member is gone. */
  readonly sessionMs: number;
  /** Milliseconds that the others have to come back in a rebalance. */
  readonly rebalanceMs: number;
  /** Empty for a new member. */
  readonly member: string;
  readonly protocolType: string;
  readonly protocols: readonly { readonly name: string; readonly metadata: Uint8Array }[];
}

export interface JoinGroupAnswer {
  readonly errorCode: number;
  readonly generation: number;
  readonly protocol: string;
  /** The member that assigns. */
  readonly leader: string;
  readonly member: string;
  /** For the leader alone. */
  readonly members: readonly { readonly member: string; readonly metadata: Uint8Array }[];
}

/** JoinGroup (protocol guide, key 11) of the classic protocol: answered when all members have come. */
export const joinGroup: Api<JoinGroupRequest, JoinGroupAnswer> = {
  name: 'JoinGroup',
  key: 11,
  versions: { min: 2, max: 5 },
  flexibleFrom: 6,
  write(writer, request, version) {
    writer.text(request.group).int32(request.sessionMs).int32(request.rebalanceMs).text(request.member);
    if (version >= 5) writer.nullableText(null); // static member
    writer.text(request.protocolType);
    writer.list(request.protocols, (_, { name, metadata }) => writer.text(name).nullableBytes(metadata));
  },
  read(reader, version) {
    reader.int32();
    return {
      errorCode: reader.int16(),
      generation: reader.int32(),
      protocol: reader.text(),
      leader: reader.text(),
      member: reader.text(),
      members: reader.list(() => {
        const member = reader.text();
        if (version >= 5) reader.nullableText();
        return { member, metadata: reader.nullableBytes() ?? new Uint8Array(0) };
      }),
    };
  },
  errorCode: ({ errorCode }) => errorCode,
};
