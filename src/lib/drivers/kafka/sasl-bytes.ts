/** The bytes of one SASL message as kafkajs takes them: with their length before them. */
export function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** And as it gives back those of the broker: an answer without bytes has the length 0 or −1. */
export function withoutLength(payload: Buffer): Buffer {
  return payload.subarray(4);
}
