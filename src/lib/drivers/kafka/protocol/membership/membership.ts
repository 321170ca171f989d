/** One member of a classic group in one generation. */
export interface Membership {
  readonly group: string;
  readonly generation: number;
  readonly member: string;
}
