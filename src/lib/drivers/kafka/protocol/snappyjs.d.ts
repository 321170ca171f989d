declare module 'snappyjs' {
  const snappy: {
    compress(block: Buffer): Buffer;
    /** Throws when the block says that it becomes larger than `largest` bytes. */
    uncompress(block: Buffer, largest: number): Buffer;
  };
  export default snappy;
}
